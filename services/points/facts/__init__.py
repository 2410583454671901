"""Facts about service that points itself keeps, beside the records: complaints and referrals."""
