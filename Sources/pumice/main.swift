print("pumice")
