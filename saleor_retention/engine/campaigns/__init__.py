"""What a campaign means: when somebody is due, what keeps a message back, and why."""
