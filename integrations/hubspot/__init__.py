"""HubSpot as a connector: contacts and marketing e-mail events in, membership of contact lists out."""
