"""Is new, unlabelled data still what a run was fitted for?"""
