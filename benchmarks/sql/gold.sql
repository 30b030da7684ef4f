-- One row a loan at its prediction point, its features and its label: the view `gold`; the views
-- `unlabelled` and `excluded` beside it. Runs after quality.sql, on the same connection.

-- The rows of an extract that are dated before their customer's flag.
CREATE MACRO passed(name) AS TABLE
SELECT r.* FROM query_table(name) r LEFT JOIN flags f USING (Customer_ID)
WHERE f.quarantined_from IS NULL OR r.snapshot_date < f.quarantined_from;

CREATE MACRO performance_months() AS
    getvariable('observation_mob') - getvariable('first_mob') + 1;

CREATE MACRO labels_of(name) AS TABLE
WITH performance AS (
    SELECT loan_id,
        max(snapshot_date) FILTER (installment_num = getvariable('observation_mob')) AS observed,
        min(snapshot_date) FILTER (overdue_amt > getvariable('overdue_threshold')) AS proven,
        max(snapshot_date) AS newest, count(overdue_amt) AS readable,
        max((loan_start_date + to_months(getvariable('observation_mob')))::DATE) AS point
    FROM query_table(name)
    WHERE installment_num BETWEEN getvariable('first_mob') AND getvariable('observation_mob')
    GROUP BY loan_id
)
SELECT loan_id, (proven IS NOT NULL)::INTEGER AS label,
    greatest(point, CASE WHEN proven IS NULL THEN newest ELSE greatest(observed, proven) END)
        AS label_date
FROM performance
WHERE observed IS NOT NULL AND (proven IS NOT NULL
    OR readable = performance_months());

CREATE MACRO in_arrears(most) AS coalesce(most > getvariable('overdue_threshold'), false);
-- Whole cents, so that a sum is exact.
CREATE MACRO amount(value) AS sum(round(value * 100)::BIGINT)::BIGINT / 100;
CREATE MACRO ratio(a, b) AS CASE WHEN b >= 0.01 THEN a / b END;
CREATE MACRO in_window(day, start) AS
    day < start AND day >= start - to_months(getvariable('clickstream_months'));
CREATE MACRO variance(n, total, squares) AS
    (squares::DOUBLE / n::DOUBLE - (total::DOUBLE / n::DOUBLE) * (total::DOUBLE / n::DOUBLE))
    * n::DOUBLE / (n::DOUBLE - 1);
-- A variance below that share of the mean square is what rounding leaves of a constant.
CREATE MACRO z_score(n, own, all_n, total, squares) AS CASE
    WHEN n > 0 AND all_n > 1
        AND variance(all_n, total, squares) > squares::DOUBLE / all_n::DOUBLE * 1e-9
    THEN (all_n * own - n * total)::DOUBLE / all_n::DOUBLE
        / sqrt(n::DOUBLE * variance(all_n, total, squares))
END;

CREATE VIEW passed_installments AS FROM passed('lms_loan_daily');

CREATE TABLE loans AS
WITH known AS (
    SELECT loan_id, min(Customer_ID) AS Customer_ID,
        min(loan_start_date) AS loan_start_date, min(prediction_date) AS prediction_date,
        in_arrears(max(overdue_amt)) AS delinquent,
        max(loan_amt) AS loan_amt,
        amount(paid_amt) AS hist_total_paid,
        amount(due_amt) AS hist_total_due,
        max(overdue_amt) AS hist_max_overdue,
        max(overdue_amt) FILTER (installment_num = getvariable('prediction_mob') - 1)
            AS hist_last_overdue,
        count(*) FILTER (paid_amt < due_amt) AS hist_missed_installments
    FROM passed('known_installments')
    GROUP BY loan_id
)
SELECT k.* FROM known k LEFT JOIN flags f USING (Customer_ID)
WHERE k.prediction_date <= (SELECT max(snapshot_date) FROM passed_installments)
    AND (f.quarantined_from IS NULL OR k.prediction_date < f.quarantined_from);

-- What each customer did in the months before a loan, and what everybody did then.
CREATE TABLE own AS
SELECT l.loan_id, count(*) AS snapshots,
    count(DISTINCT date_trunc('month', c.snapshot_date)) AS months,
    count(COLUMNS('^fe_\d+$')) AS '\0_n',
    sum(COLUMNS('^fe_\d+$'))::BIGINT AS '\0_sum'
FROM loans l JOIN passed('feature_clickstream') c
    ON l.Customer_ID = c.Customer_ID AND in_window(c.snapshot_date, l.loan_start_date)
GROUP BY l.loan_id;

CREATE TABLE everybody AS
WITH by_day AS (
    SELECT snapshot_date, count(COLUMNS('^fe_\d+$')) AS '\0_n',
        sum(COLUMNS('^fe_\d+$'))::BIGINT AS '\0_sum',
        sum(COLUMNS('^fe_\d+$')::BIGINT * COLUMNS('^fe_\d+$'))::BIGINT AS '\0_squares'
    FROM feature_clickstream
    GROUP BY snapshot_date
)
SELECT loan_start_date, count(DISTINCT date_trunc('month', snapshot_date)) AS months,
    sum(COLUMNS('^fe_\d+_\w+$'))::BIGINT AS '\0'
FROM (SELECT DISTINCT loan_start_date FROM loans) JOIN by_day
    ON in_window(snapshot_date, loan_start_date)
GROUP BY loan_start_date;

CREATE TABLE gold AS
SELECT l.loan_id, l.Customer_ID AS customer_id,
    date_trunc('month', l.loan_start_date)::DATE AS vintage,
    l.loan_start_date, l.prediction_date, l.delinquent,
    a.* EXCLUDE (Customer_ID, SSN_valid, snapshot_date),
    f.* EXCLUDE (Customer_ID, Type_of_Loan, snapshot_date),
    l.loan_amt, l.hist_total_paid, l.hist_total_due, l.hist_max_overdue, l.hist_last_overdue,
    l.hist_missed_installments,
    ratio(l.hist_total_paid, l.hist_total_due) AS hist_Loan_Payment_Ratio,
    z_score(o.fe_1_n, o.fe_1_sum, e.fe_1_n, e.fe_1_sum, e.fe_1_squares) AS fe_1_z,
    z_score(o.fe_2_n, o.fe_2_sum, e.fe_2_n, e.fe_2_sum, e.fe_2_squares) AS fe_2_z,
    z_score(o.fe_3_n, o.fe_3_sum, e.fe_3_n, e.fe_3_sum, e.fe_3_squares) AS fe_3_z,
    z_score(o.fe_4_n, o.fe_4_sum, e.fe_4_n, e.fe_4_sum, e.fe_4_squares) AS fe_4_z,
    z_score(o.fe_5_n, o.fe_5_sum, e.fe_5_n, e.fe_5_sum, e.fe_5_squares) AS fe_5_z,
    z_score(o.fe_6_n, o.fe_6_sum, e.fe_6_n, e.fe_6_sum, e.fe_6_squares) AS fe_6_z,
    z_score(o.fe_7_n, o.fe_7_sum, e.fe_7_n, e.fe_7_sum, e.fe_7_squares) AS fe_7_z,
    z_score(o.fe_8_n, o.fe_8_sum, e.fe_8_n, e.fe_8_sum, e.fe_8_squares) AS fe_8_z,
    z_score(o.fe_9_n, o.fe_9_sum, e.fe_9_n, e.fe_9_sum, e.fe_9_squares) AS fe_9_z,
    z_score(o.fe_10_n, o.fe_10_sum, e.fe_10_n, e.fe_10_sum, e.fe_10_squares) AS fe_10_z,
    z_score(o.fe_11_n, o.fe_11_sum, e.fe_11_n, e.fe_11_sum, e.fe_11_squares) AS fe_11_z,
    z_score(o.fe_12_n, o.fe_12_sum, e.fe_12_n, e.fe_12_sum, e.fe_12_squares) AS fe_12_z,
    z_score(o.fe_13_n, o.fe_13_sum, e.fe_13_n, e.fe_13_sum, e.fe_13_squares) AS fe_13_z,
    z_score(o.fe_14_n, o.fe_14_sum, e.fe_14_n, e.fe_14_sum, e.fe_14_squares) AS fe_14_z,
    z_score(o.fe_15_n, o.fe_15_sum, e.fe_15_n, e.fe_15_sum, e.fe_15_squares) AS fe_15_z,
    z_score(o.fe_16_n, o.fe_16_sum, e.fe_16_n, e.fe_16_sum, e.fe_16_squares) AS fe_16_z,
    z_score(o.fe_17_n, o.fe_17_sum, e.fe_17_n, e.fe_17_sum, e.fe_17_squares) AS fe_17_z,
    z_score(o.fe_18_n, o.fe_18_sum, e.fe_18_n, e.fe_18_sum, e.fe_18_squares) AS fe_18_z,
    z_score(o.fe_19_n, o.fe_19_sum, e.fe_19_n, e.fe_19_sum, e.fe_19_squares) AS fe_19_z,
    z_score(o.fe_20_n, o.fe_20_sum, e.fe_20_n, e.fe_20_sum, e.fe_20_squares) AS fe_20_z,
    coalesce(o.snapshots, 0) AS fe_snapshots,
    coalesce(o.months, 0) / e.months AS fe_coverage,
    ratio(f.Total_EMI_per_month, f.Monthly_Inhand_Salary) AS DTI,
    ratio(f.Amount_invested_monthly, f.Monthly_Inhand_Salary) AS Savings_Ratio,
    f.Monthly_Inhand_Salary - f.Total_EMI_per_month - f.Amount_invested_monthly
        AS Monthly_Surplus,
    ratio(f.Outstanding_Debt, f.Annual_Income) AS Debt_to_Annual_Income,
    ratio(l.loan_amt, f.Annual_Income) AS Loan_to_Annual_Income,
    ratio(f.Num_of_Delayed_Payment, f.Num_of_Loan) AS Delayed_per_Loan,
    y.label, y.label_date
FROM loans l
ASOF LEFT JOIN passed('features_attributes') a
    ON l.Customer_ID = a.Customer_ID AND l.prediction_date >= a.snapshot_date
ASOF LEFT JOIN (
    SELECT *, CASE
        WHEN Type_of_Loan IS NOT NULL
            THEN len(list_distinct(string_split(Type_of_Loan, '|')))::INTEGER
        WHEN coalesce(Num_of_Loan, 0) = 0 THEN 0
    END AS Num_Loan_Types
    FROM passed('features_financials')
) f ON l.Customer_ID = f.Customer_ID AND l.prediction_date >= f.snapshot_date
LEFT JOIN own o ON l.loan_id = o.loan_id
LEFT JOIN everybody e ON l.loan_start_date = e.loan_start_date
LEFT JOIN labels_of('passed_installments') y ON l.loan_id = y.loan_id;

-- Loans past their observation point without a label, and why.
CREATE VIEW unlabelled AS
WITH arrived AS (
    SELECT loan_id, count(*) AS rows, count(overdue_amt) AS readable
    FROM lms_loan_daily
    WHERE installment_num BETWEEN getvariable('first_mob') AND getvariable('observation_mob')
    GROUP BY loan_id
)
SELECT loan_id, CASE
    WHEN rows IS DISTINCT FROM performance_months() THEN format('installments {} to {} are not all there',
        getvariable('first_mob'), getvariable('observation_mob'))
    WHEN readable < performance_months() THEN format('overdue_amt is unknown at an installment from {} to {}',
        getvariable('first_mob'), getvariable('observation_mob'))
    ELSE 'the customer was flagged before the observation point'
END AS reason
FROM gold LEFT JOIN arrived USING (loan_id)
WHERE label IS NULL AND loan_start_date + to_months(getvariable('observation_mob'))
    <= (SELECT max(snapshot_date) FROM lms_loan_daily);

CREATE VIEW other_installments AS FROM lms_loan_daily ANTI JOIN gold USING (loan_id);

-- Loans that the flags keep out, with the label that they would have.
CREATE VIEW excluded AS
WITH points AS (
    SELECT loan_id, min(loan_start_date) AS started, min(prediction_date) AS prediction_date,
        in_arrears(max(overdue_amt)) AS delinquent
    FROM known_installments ANTI JOIN gold USING (loan_id)
    GROUP BY loan_id
)
SELECT loan_id, date_trunc('month', started)::DATE AS vintage, prediction_date, delinquent,
    label, label_date
FROM points LEFT JOIN labels_of('other_installments') USING (loan_id)
WHERE prediction_date <= (SELECT max(snapshot_date) FROM lms_loan_daily);
