"""ComponentResources: one noun per file or folder, pure builders under thin components.

A component never builds or finds a provider: the stack layer passes `providers=[...]`.
"""
