-- Customers that cannot be trusted: Customer_ID, reason, flagged_on, quarantined_from.
-- Silver's tables are views under the names of their extracts; settings are variables.

CREATE TABLE known_installments AS
SELECT *, (loan_start_date + to_months(getvariable('prediction_mob')))::DATE AS prediction_date
FROM lms_loan_daily
WHERE installment_num < getvariable('prediction_mob') AND snapshot_date <= prediction_date;

CREATE TABLE prediction_dates AS
SELECT loan_id, min(Customer_ID) AS Customer_ID, min(prediction_date) AS prediction_date
FROM known_installments
GROUP BY loan_id;

CREATE TABLE findings AS
WITH every AS (
    SELECT Customer_ID, 'age missing' AS reason, snapshot_date AS flagged_on
    FROM features_attributes WHERE Age IS NULL
    UNION ALL
    SELECT Customer_ID,
        'age outside ' || getvariable('min_age') || '-' || getvariable('max_age'), snapshot_date
    FROM features_attributes
    WHERE Age NOT BETWEEN getvariable('min_age') AND getvariable('max_age')
    UNION ALL
    SELECT Customer_ID, 'SSN malformed', snapshot_date
    FROM features_attributes WHERE NOT SSN_valid
    UNION ALL
    SELECT Customer_ID, 'Annual_Income negative', snapshot_date
    FROM features_financials WHERE Annual_Income < 0
    UNION ALL
    SELECT Customer_ID, 'Monthly_Inhand_Salary negative', snapshot_date
    FROM features_financials WHERE Monthly_Inhand_Salary < 0
    UNION ALL
    SELECT Customer_ID, 'Outstanding_Debt negative', snapshot_date
    FROM features_financials WHERE Outstanding_Debt < 0
    UNION ALL
    SELECT Customer_ID, 'loan_amt negative', snapshot_date
    FROM lms_loan_daily WHERE loan_amt < 0
    UNION ALL
    -- Whoever has no attributes at the prediction point has no age there.
    SELECT Customer_ID, 'age missing', prediction_date
    FROM prediction_dates LEFT JOIN (
        SELECT Customer_ID, min(snapshot_date) AS first_seen
        FROM features_attributes GROUP BY Customer_ID
    ) USING (Customer_ID)
    WHERE first_seen IS NULL OR first_seen > prediction_date
)
SELECT Customer_ID, reason, min(flagged_on) AS flagged_on FROM every GROUP BY ALL;

-- A customer with a loan scored before the first finding is kept out from then on only.
CREATE TABLE flags AS
WITH first_flag AS (
    SELECT Customer_ID, min(flagged_on) AS day FROM findings GROUP BY Customer_ID
), first_prediction AS (
    SELECT Customer_ID, min(prediction_date) AS day FROM prediction_dates GROUP BY Customer_ID
)
SELECT Customer_ID,
    CASE WHEN p.day < f.day THEN f.day ELSE DATE '1900-01-01' END AS quarantined_from
FROM first_flag f LEFT JOIN first_prediction p USING (Customer_ID);

CREATE VIEW flagged_customers AS FROM findings JOIN flags USING (Customer_ID);

CREATE VIEW customers AS
SELECT Customer_ID FROM features_attributes
UNION SELECT Customer_ID FROM features_financials
UNION SELECT Customer_ID FROM lms_loan_daily
UNION SELECT Customer_ID FROM feature_clickstream;
