"""Who is signed in to the pages: sessions in Redis, and how often somebody may guess."""
