from redis.asyncio.client import Pipeline

__all__ = ["Pipeline"]
