from orchestrator.load.load import RenderValue, load

__all__ = ["RenderValue", "load"]
