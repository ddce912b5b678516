"""Objects in a bucket: one region at any provider that speaks S3."""
