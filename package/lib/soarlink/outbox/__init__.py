"""What SOAR did not take yet, in the KV store: seen by all search heads, worked off under a lease."""
