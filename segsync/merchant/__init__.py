"""The pages a store owner sees: what SegSync is, connecting a store, connecting a HubSpot account."""
