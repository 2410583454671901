"""Lock-out: after how many wrong pickup codes a hold or a member of staff is heard no more for a while."""
