"""Members and customers: accounts, tiers, profiles, rewards, segments."""
