"""What will be done and what it will take: facts, costs, effort, the plan, and the clock that holds it."""
