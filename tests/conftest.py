from hypothesis import settings

settings.register_profile("calm", deadline=None)  # what a busy machine takes for an example says nothing
settings.load_profile("calm")
