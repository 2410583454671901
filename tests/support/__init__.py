"""What tests share: servers, databases, brokers, and waiting without sleeping blindly."""
