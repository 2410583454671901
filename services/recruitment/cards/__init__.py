"""Cards of volunteers: a QR code to show or print, read by those who call the roll."""
