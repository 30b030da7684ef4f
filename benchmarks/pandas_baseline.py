"""The tables up to gold as a plain pandas script: what one would write first.

    python benchmarks/pandas_baseline.py DATA OUT

Reads the four extracts in DATA, cleans them, drops customers without a believable age, SSN or
income, joins one row a loan and writes parquet to OUT. No quarantine, no counts, no provenance.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

DATA, OUT = Path(sys.argv[1]), Path(sys.argv[2])
PREDICTION_MOB, OBSERVATION_MOB = 3, 6
NUMBER = r"^([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)_?$"
TEXTS = {"Occupation", "Type_of_Loan", "Credit_Mix", "Payment_of_Min_Amount", "Payment_Behaviour"}
KEYS = {"Customer_ID", "loan_id", "Name", "SSN", "Credit_History_Age"}
CEILINGS = {
    "Annual_Income": 1e6,
    "Num_Bank_Accounts": 30,
    "Num_Credit_Card": 30,
    "Interest_Rate": 100,
    "Num_of_Loan": 30,
    "Num_of_Delayed_Payment": 100,
    "Num_Credit_Inquiries": 50,
    "Total_EMI_per_month": 5000,
}


def read(name: str) -> pd.DataFrame:
    frame = pd.read_csv(DATA / f"{name}.csv", dtype=str, keep_default_na=False)
    for column in frame.columns:
        text = frame[column].str.strip()
        if "date" in column:
            iso = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
            frame[column] = iso.fillna(pd.to_datetime(text, format="%d/%m/%Y", errors="coerce"))
        elif column in TEXTS:
            frame[column] = text.mask(text.str.fullmatch(r"_*|NM|!@9#%8"))
        elif column not in KEYS:
            number = pd.to_numeric(text.str.extract(NUMBER)[0], errors="coerce")
            frame[column] = number.mask(number > CEILINGS.get(column, np.inf))
    return frame.drop_duplicates()


attributes, financials, loans, clicks = (
    read(name)
    for name in (
        "features_attributes",
        "features_financials",
        "lms_loan_daily",
        "feature_clickstream",
    )
)
history = financials.pop("Credit_History_Age").str.extract(r"(\d+) Years? and (\d+) Months?")
financials["Credit_History_Months"] = history[0].astype(float) * 12 + history[1].astype(float)
OUT.mkdir(parents=True, exist_ok=True)
silver = {"attributes": attributes, "financials": financials, "loans": loans, "clicks": clicks}
for name, frame in silver.items():
    frame.to_parquet(OUT / f"silver_{name}.parquet")

bad_age = ~attributes["Age"].between(18, 100)
bad_ssn = ~attributes["SSN"].str.fullmatch(r"\d{3}-\d{2}-\d{4}")
flagged = set(attributes.loc[bad_age | bad_ssn, "Customer_ID"])
for column in ("Annual_Income", "Monthly_Inhand_Salary", "Outstanding_Debt"):
    flagged |= set(financials.loc[financials[column] < 0, "Customer_ID"])
attributes, financials, loans, clicks = (
    frame[~frame["Customer_ID"].isin(flagged)] for frame in (attributes, financials, loans, clicks)
)

first = loans.drop_duplicates("loan_id")[["loan_id", "Customer_ID", "loan_start_date", "loan_amt"]]
months = pd.DateOffset(months=PREDICTION_MOB)
gold = first.assign(prediction_date=first["loan_start_date"] + months)
gold = gold[gold["prediction_date"] <= loans["snapshot_date"].max()]
for snapshots in (attributes.drop(columns=["Name", "SSN"]), financials):
    known = gold[["loan_id", "Customer_ID", "prediction_date"]].merge(snapshots, on="Customer_ID")
    known = known[known["snapshot_date"] <= known["prediction_date"]]
    newest = known.sort_values("snapshot_date").drop_duplicates("loan_id", keep="last")
    newest = newest.drop(columns=["Customer_ID", "prediction_date", "snapshot_date"])
    gold = gold.merge(newest, on="loan_id", how="left")
before = loans[loans["installment_num"] < PREDICTION_MOB]
paid = before.groupby("loan_id").agg(
    hist_total_paid=("paid_amt", "sum"),
    hist_total_due=("due_amt", "sum"),
    hist_max_overdue=("overdue_amt", "max"),
)
gold = gold.merge(paid, on="loan_id", how="left")
joined = gold[["loan_id", "Customer_ID", "loan_start_date"]].merge(clicks, on="Customer_ID")
joined = joined[joined["snapshot_date"] < joined["loan_start_date"]]
features = [f"fe_{i}" for i in range(1, 21)]
statistics = joined.groupby("loan_id")[features].agg(["mean", "std"])
statistics.columns = ["_".join(names) for names in statistics.columns]
gold = gold.merge(statistics, on="loan_id", how="left")
gold["DTI"] = gold["Total_EMI_per_month"] / gold["Monthly_Inhand_Salary"]
gold["Savings_Ratio"] = gold["Amount_invested_monthly"] / gold["Monthly_Inhand_Salary"]
gold["Debt_to_Annual_Income"] = gold["Outstanding_Debt"] / gold["Annual_Income"]
window = loans[loans["installment_num"].between(PREDICTION_MOB, OBSERVATION_MOB)]
label = (window.groupby("loan_id")["overdue_amt"].max() > 0).astype(int).rename("label")
gold.merge(label, on="loan_id", how="left").to_parquet(OUT / "gold.parquet")
