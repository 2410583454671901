"""What points itself knows about service, beside the records: complaints and referrals."""
