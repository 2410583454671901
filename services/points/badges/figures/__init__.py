"""What is counted of service, for badges."""
