"""Make survey_sample.csv (合成的两阶段抽样数据): invented households in villages in townships, seed 431; run it in this folder."""

from pathlib import Path

import numpy as np
import pandas as pd

random = np.random.default_rng(431)
rows = []
for stratum, (villages, drawn) in enumerate([(14, 5), (9, 4), (22, 6), (6, 6)]):
    for village in range(drawn):
        households = int(random.integers(12, 60))
        taken = int(random.integers(4, 9))
        level = random.normal(0, 0.3)
        for household in range(taken):
            income = round(float(np.exp(8.2 + 0.1 * stratum + level + random.normal(0, 0.6))), 2)
            rows.append({
                "stratum": f"s{stratum}", "village": f"v{stratum}{village}", "code": village, "household": f"h{stratum}{village}{household:02d}",
                "villages": villages, "households": households, "weight": round(villages / drawn * households / taken * random.uniform(0.8, 1.3), 4),
                "income": income, "persons": int(random.integers(1, 7)), "poor": int(income < 2500), "rare": int(random.random() < 0.03),
                "group": random.choice(["a", "b", "c"]), "half": random.choice(["x", "y"], p=[0.4, 0.6]),
                "wage": income * 0.5 + 100 * random.normal() if random.random() < 0.9 else np.nan,
            })
frame = pd.DataFrame(rows)
frame["wage"] = frame["wage"].round(2)
frame.to_csv(Path(__file__).with_name("survey_sample.csv"), index=False, lineterminator="\n")
