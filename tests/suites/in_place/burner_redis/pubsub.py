from redis.client import PubSubWorkerThread

__all__ = ["PubSubWorkerThread"]
