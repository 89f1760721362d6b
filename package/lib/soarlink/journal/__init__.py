"""What came in, safe on disk before anything goes out, until every row has its end."""
