"""Who is who: people, makers, their wallets and where their pay goes."""
