"""The private S3 server under the name by which programs outside the checkout import it."""

from tests.support.servers.s3 import new_bucket, running_s3, s3_storage_url

__all__ = ["new_bucket", "running_s3", "s3_storage_url"]
