"""What a coupon gives, how long, and how its code is made up; pure."""
