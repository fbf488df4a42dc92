"""Pure rules of bills, prices, calendars, identities, risk and proofs; nothing here reaches outside."""
