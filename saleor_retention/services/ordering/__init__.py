"""Orders and sales at a till: what they earn, lose and use."""
