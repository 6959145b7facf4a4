"""A stand-in for HubSpot: OAuth, contacts, properties, lists, e-mail events, limits and webhooks over portals held in memory."""
