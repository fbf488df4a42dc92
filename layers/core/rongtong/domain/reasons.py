"""Every reason code that a caller can meet: when it is told, what it means, and what the applicant can do about it.

`docs/reason-codes.md` is generated from here. A code is stable: it is never reused for another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """When a code is told."""

    ACCESS = "Before anything is read"
    REQUEST = "When a request is made"
    VERIFICATION = "When the bill is verified: the discount is REFUSED"
    REVIEW = "When the bill is verified: a person decides (IN_REVIEW)"
    PAYMENT = "When it is sealed and paid"
    IMPORT = "When a file of bills is imported"
    REGISTRATION = "When an enterprise is registered"
    CONFIRMATION = "When an operator confirms a discount, or sets a password"
    PERSONAL_DATA = "When personal data is shown, handed out or erased"
    OPERATIONS = "When operations change the configuration"
    WEBHOOKS = "When webhook endpoints are registered, and by the receiver's check of a webhook"
    TOOLS = "By the calculators, the receipt verifier and the sandbox's bill registry"
    AGAIN = "When something did not answer: nothing is decided, send the same request again"


@dataclass(frozen=True)
class Reason:
    """``submission``: whether a discount request, well signed and well formed as JSON, can come to this."""

    stage: Stage
    meaning: str
    remedy: str
    submission: bool = False


def _submitted(stage: Stage, rows: Mapping[str, tuple[str, str]]) -> dict[str, Reason]:
    return {code: Reason(stage, meaning, remedy, submission=True) for code, (meaning, remedy) in rows.items()}


def _other(stage: Stage, rows: Mapping[str, tuple[str, str]]) -> dict[str, Reason]:
    return {code: Reason(stage, meaning, remedy) for code, (meaning, remedy) in rows.items()}


_COMPARE = "Compare the number with the bill."
_NEXT_BILL = "Choose another bill; this one cannot be discounted now."
_CORRECT = "Correct what was stated and request again under a new key."
_NEW_QUOTE = "Ask for a new quote, or leave quote_id out."

REASONS: Mapping[str, Reason] = {
    **_other(
        Stage.ACCESS,
        {
            "SIGNATURE_INVALID": ("The request is not signed by a registered key.", "Sign it as docs/api.md says."),
            "SIGNATURE_REFUSED": (
                "The signature is right, but not taken: it is older than five minutes or over a minute ahead, its "
                "nonce was used, its key is not valid now or revoked, or the address is not agreed.",
                "Set the clock and sign anew with another nonce; else compare key and address with what was agreed.",
            ),
            "CONTENT_DIGEST_MISMATCH": (
                "The body is not the one that was signed.",
                "Send the very bytes that were signed.",
            ),
            "FORBIDDEN": ("The caller may not do this.", "Use a key with the scope that the text names."),
            "REFUSED_AT_EDGE": (
                "The web firewall refused the request.",
                "Compare it with docs/api.md; if it is as described, tell us the answer's `request_id`.",
            ),
            "BAD_REQUEST": ("The gateway cannot take the request as it is.", "Compare it with docs/api.md."),
            "NO_SUCH_ROUTE": ("There is no such route.", "Compare path and method with docs/api.md."),
            "NOT_FOUND": ("There is no such object of this caller.", "Compare the id with the answer that gave it."),
            "HEADER_MISSING": ("A header is missing or malformed.", "Send the header that `field` names."),
            "NOT_JSON": ("The body is not JSON.", "Send one JSON object in UTF-8."),
            "BODY_TOO_LARGE": ("The body is larger than any request needs.", "Send at most 65,536 bytes."),
            "REQUEST_RUNNING": (
                "The same request is still being carried out.",
                "Wait as long as Retry-After says, then send it again under the same key.",
            ),
            "PRECONDITION_FAILED": (
                "The object is not the one that If-Match names.",
                "Read it again, then decide.",
            ),
            "INVALID_CURSOR": (
                "The cursor is not one that this list gave to this caller.",
                "Send next_cursor as it was, or begin without one.",
            ),
            "TOO_MANY_REQUESTS": (
                "Too many requests in a second.",
                "Wait as long as Retry-After says and send it again.",
            ),
            "WRONG_STATE": ("The object is not in a state that allows this.", "Read it again, then decide."),
            "PERIOD_INVALID": ("No day or month that can be reported on.", "Name one that has begun, like 2026-04-15."),
            "REPORT_TOO_LARGE": ("More lines than one answer can hold.", "Ask for single days."),
            "FEED_FORGOTTEN": (
                "Which events these leaves of the evidence log are is not kept any more.",
                "Go on behind the leaf that the message names; receipts still prove what is older.",
            ),
            "TRANSITION_NOT_ALLOWED": ("A lifecycle does not allow this step.", "Read the object again, then decide."),
        },
    ),
    **_submitted(
        Stage.REQUEST,
        {
            "INVALID_BODY": (
                "A field is missing, unknown or of the wrong form.",
                "Correct the field that `field` names.",
            ),
            "BILL_NUMBER_DIGITS": (
                "The bill number has other characters than digits.",
                "Write 30 digits without spaces.",
            ),
            "BILL_NUMBER_LENGTH": ("The bill number has not 30 digits.", _COMPARE),
            "BILL_NUMBER_CHANNEL": ("No electronic bill begins with this digit.", _COMPARE),
            "BILL_NUMBER_CHECK_DIGIT": ("The last digit does not fit the others.", _COMPARE),
            "BILL_NUMBER_BANK_CODE": ("Digits 2 to 13 are no bank code.", _COMPARE),
            "BILL_NUMBER_DATE": ("Digits 14 to 21 are no date.", _COMPARE),
            "BILL_LEGACY_NOT_DISCOUNTABLE": (
                "A bill of the closed former system.",
                "Present it for payment at its bank.",
            ),
            "RANGE_FORMAT": (
                "The sub-bill range cannot be read.",
                "Write it like 000000000001-000000123456 or 1-123456.",
            ),
            "RANGE_UPSIDE_DOWN": ("The range ends before it begins.", "Write the smaller number first."),
            "RANGE_AMOUNT_MISMATCH": (
                "Range and amount differ.",
                "State the amount of the range: one unit is one fen.",
            ),
            "RANGE_ABOVE_CEILING": ("No package is that large.", "Compare the range with the bill."),
            "RANGE_OUTSIDE_HOLDING": ("More is to be discounted than the range holds.", "Discount at most its amount."),
            "RANGE_NOT_SPLITTABLE": ("The package cannot be split.", "Discount the whole of it."),
            "RANGE_TOO_MANY_SPLITS": ("The package is split too often.", "Deal the whole holding."),
            "RANGE_TAKEN": ("A part of the range is being discounted, or was.", "Discount what is left of it."),
            "ENTERPRISE_UNKNOWN": ("No such enterprise of this partner.", "Register it first."),
            "ENTERPRISE_NOT_ACTIVE": (
                "The enterprise is not verified.",
                "Wait for its registration, or read its reason.",
            ),
            "INSTITUTION_UNKNOWN": ("No such institution is agreed.", "Choose one of those agreed with the platform."),
            "IDEMPOTENCY_KEY_REUSED": ("The key was used with another body.", "Use a new key for a new request."),
            "NOT_A_WORKING_DAY": ("Today is no legal working day.", "Request on the next working day."),
            "OUT_OF_SERVICE_HOURS": ("Outside the hours of service.", "Request within them; the message names them."),
            "LIMIT_EXCEEDED": (
                "A limit has not enough left.",
                "Discount less, another day, or with another institution.",
            ),
            "USCC_INVALID": ("A company's credit code fails its check.", "Compare it with the licence."),
            "INTEREST_PAYER_NOT_AGREED": (
                "The institution lets no buyer pay.",
                "Let the seller pay, or choose another.",
            ),
            "INTEREST_AGREEMENT_MISSING": ("No agreement of the buyer is named.", "Name it in interest.agreement."),
            "QUOTE_UNKNOWN": ("There is no such quote of this partner.", _NEW_QUOTE),
            "QUOTE_EXPIRED": ("The quote has expired.", _NEW_QUOTE),
            "QUOTE_MISMATCH": ("The quote was made for other terms.", _NEW_QUOTE),
        },
    ),
    **_other(
        Stage.REQUEST,
        {
            "ACCEPTOR_UNKNOWN": (
                "No class is known of the accepting bank.",
                "Compare its bank code; request without a quote.",
            ),
            "MATURITY_NOT_AFTER_DISCOUNT": ("The bill matures by the discount date.", "Correct the maturity."),
            "REPURCHASE_DATES": ("The redemption dates do not fit the bill.", "Redeem between discount and maturity."),
            "RATE_INVALID": ("A rate is not above 0, above the cap, or too fine.", "Correct the redemption rate."),
            "MATURITY_TOO_FAR": ("Quotes reach one year ahead.", "Correct the maturity."),
        },
    ),
    **_submitted(
        Stage.VERIFICATION,
        {
            "BILL_NOT_FOUND": ("The registry knows no such bill.", _COMPARE),
            "BILL_STATUS": ("The bill is not in its holder's hands (已收票).", _NEXT_BILL),
            "BILL_LOCKED": (
                "The registry locks no such range now.",
                "Withdraw other applications, or discount the whole.",
            ),
            "BILL_PLEDGED": ("The bill is pledged.", "Release the pledge first."),
            "BILL_NOT_TRANSFERABLE": (
                "The bill may not be passed on (不得转让).",
                "Present it for payment at maturity.",
            ),
            "BILL_AWAITING_REDEMPTION": ("The bill waits for its redemption.", "Redeem it first."),
            "BILL_IN_COLLECTION": ("The bill was presented for payment.", _NEXT_BILL),
            "BILL_IN_RECOURSE": ("The bill is in recourse.", _NEXT_BILL),
            "BILL_CIRCULATION": ("The bill does not circulate.", _NEXT_BILL),
            "BILL_RISK": ("The bill bears a risk mark.", "Have the mark lifted at the registry first."),
            "BILL_MATURED": ("The bill has matured.", "Present it for payment."),
            "TENOR_TOO_LONG": ("More than six months from issue to maturity.", _NEXT_BILL),
            "MATURITY_BEFORE_ISSUE": ("The bill matures on or before its issue.", _COMPARE),
            "KIND_MISMATCH": ("The registry holds another kind of bill.", _CORRECT),
            "DATES_MISMATCH": ("The registry holds other dates.", _CORRECT),
            "ACCEPTOR_MISMATCH": ("The registry holds another acceptor.", _CORRECT),
            "AMOUNT_MISMATCH": ("Range and face amount differ at the registry.", _NEXT_BILL),
            "RANGE_NOT_HELD": ("The holder does not hold this range.", _CORRECT),
            "NOT_THE_HOLDER": ("Another company holds the bill.", "Let its holder request the discount."),
            "CHAIN_FIRST_ENDORSER": ("The first endorser is not the payee.", "Have the endorsements corrected."),
            "CHAIN_BROKEN": ("An endorser is not the endorsee before it.", "Have the endorsements corrected."),
            "CHAIN_LAST_ENDORSEE": ("The last endorsee is not the holder.", "Have the endorsements corrected."),
            "CHAIN_KIND": ("An endorsement does not pass ownership on.", _NEXT_BILL),
            "CHAIN_DATES": ("The endorsements' dates contradict each other.", "Have the endorsements corrected."),
            "DISCLOSURE_MISSING": ("The acceptor has not disclosed the bill.", "Ask the acceptor to disclose it."),
            "DISCLOSURE_INCONSISTENT": ("What the acceptor disclosed differs.", "Ask the acceptor to correct it."),
            "ACCEPTOR_OVERDUE": ("The acceptor is listed for overdue payment.", _NEXT_BILL),
            "ACCEPTOR_BLOCKED": ("No bill of this acceptor is taken.", _NEXT_BILL),
            "INVOICE_NOT_FOUND": ("The tax authority knows no such invoice.", "Correct the invoice number."),
            "INVOICE_CANCELLED": ("The invoice was cancelled.", "Name the invoice that replaced it."),
            "INVOICE_RED": ("The invoice was reversed (红字).", "Name the invoice that replaced it."),
            "INVOICE_USED": ("The invoice is used up by other discounts.", "Name an invoice that is not."),
            "INVOICE_PARTIES": ("The applicant is not the invoice's seller.", "Name an invoice of the applicant."),
            "INVOICE_AMOUNT": ("The invoice is smaller than the bill.", "Discount at most the invoice's amount."),
            "ORDER_PARTIES": ("The order's buyer is not the prior hand.", "Name the order behind this bill."),
            "ORDER_AMOUNT": ("The order is smaller than the bill.", "Discount at most the order's amount."),
            "ORDER_USED": ("The order is used up by other discounts.", "Name an order that is not."),
            "TRADE_DATES": ("Order, invoice, delivery and money are out of order.", "Correct the dates."),
            "TRADE_EVIDENCE_MISSING": ("Neither an invoice nor money flows are named.", "Name one of them."),
            "TRADE_BASIS": ("This kind of bill needs other evidence.", "Name the invoice, or the money flows."),
            "MONEY_FLOW_PARTIES": ("Money of the trade came from a third company.", "Name the trade's own payments."),
            "MONEY_FLOW_AMOUNT": ("Payments and bill exceed the order.", "Name the payments of this order alone."),
            "DELIVERY_PARTIES": ("A delivery went to another company.", "Name the deliveries of this order alone."),
            "PAYEE_ACCOUNT": ("The payee account is not the verified one.", "Use the account that was verified."),
            "SELF_TRADE": ("The applicant drew the bill itself.", _NEXT_BILL),
            "PARTY_REFUSED": ("The request is not accepted after a look at all circumstances.", "Ask the platform."),
            "NO_RATE": ("The institution quotes no rate for this bill.", "Choose another institution."),
            "CALENDAR_UNCONFIRMED": (
                "The working days of that year are not confirmed.",
                "Request again when they are.",
            ),
            "PROCEEDS_NOT_POSITIVE": ("Interest and fees leave nothing.", "Discount a larger range."),
            "BUYER_SHARE_INVALID": (
                "The buyer's share does not fit who pays.",
                "State 0 to 100 percent where the payer is agreement, else none.",
            ),
        },
    ),
    **_submitted(
        Stage.REVIEW,
        {
            "REVIEW_REQUIRED": ("A person looks at the request first.", "Wait; nothing need be sent."),
            "REVIEW_ENDORSEMENTS": (
                "The bill passed through many hands.",
                "Have the contracts of the last hands ready.",
            ),
            "REVIEW_BACK_ENDORSEMENT": (
                "The bill came back to a company.",
                "Have the contracts of that company ready.",
            ),
            "REVIEW_QUICK_RESALE": ("The bill was received just now.", "Have the contract with the prior hand ready."),
            "REVIEW_NEW_ACCEPTOR": ("The acceptor is of a new class.", "Wait; nothing need be sent."),
            "REVIEW_LARGE_AMOUNT": ("The amount is large.", "Have contract and invoices ready."),
        },
    ),
    **_submitted(
        Stage.PAYMENT,
        {
            "PRICE_EXPIRED": ("It was priced on another day.", "Request again at the new day's price."),
            "PAYEE_REFUSED": ("The payee's bank refused the money.", "Have the account looked at, then request again."),
        },
    ),
    **_other(
        Stage.PERSONAL_DATA,
        {
            "DISCLOSURE_REQUEST": (
                "What is to be shown or held, or why, cannot be read.",
                "Correct the part that `field` names.",
            ),
            "DISCLOSURE_NOT_APPROVED": (
                "No second person has approved that this is shown, or it was shown already.",
                "Propose a change of the kind disclosure, and show it within a day of its approval.",
            ),
            "DISCLOSURES_TOO_MANY": ("The person was shown as much as it may see in a day.", "Come back tomorrow."),
            "CLOSURE_BLOCKED": (
                "Discounts are live, incidents open or complaints unanswered.",
                "Settle what the text names, then close it.",
            ),
            "PERSONAL_DATA_ERASED": ("What was sealed of the enterprise is erased.", "Nothing can show it again."),
        },
    ),
    **_other(
        Stage.CONFIRMATION,
        {
            "CONFIRMATION_BY_PLATFORM": (
                "The platform asks this tenant's operators itself.",
                "Leave the confirmation out; begin a confirmation challenge.",
            ),
            "OPERATOR_NOT_ACTIVE": (
                "The operator cannot confirm (yet).",
                "Let it set a login password, or give it the role.",
            ),
            "LOGIN_REQUIRED": ("The operator is not logged in, or too long ago.", "Let the operator log in again."),
            "FACTORS_MISSING": ("The amount takes more factors.", "Send those that the message names."),
            "CODE_MISMATCH": (
                "The code does not confirm this payment.",
                "Compare it with the message; where amount or payee changed, begin again.",
            ),
            "CODE_EXPIRED": ("The code's time is over, or a newer one was sent.", "Begin a new challenge."),
            "CODE_LOCKED": ("Too many attempts.", "Wait until the time that the message names, then begin again."),
            "CODES_TOO_MANY": ("Too many codes within an hour.", "Wait, then ask again."),
            "PAYMENT_PASSWORD_WRONG": (
                "The payment password is wrong or missing.",
                "Enter it again; attempts are few.",
            ),
            "PAYMENT_PASSWORD_NOT_SET": ("The amount takes a payment password.", "Let the operator set one first."),
            "PASSWORD_LENGTH": ("The password is too short or too long.", "Choose a few unrelated words."),
            "PASSWORD_SIMPLE": ("The password follows a pattern.", "Choose a few unrelated words."),
            "PASSWORD_BREACHED": ("The password was found in a breach.", "Choose another one."),
            "PASSWORD_PERSONAL": ("The password resembles personal data.", "Choose a few unrelated words."),
            "SEALED_REQUIRED": ("Codes and passwords are taken sealed alone.", "Seal them on the page."),
            "SEALED_FORMAT": ("No sealed text, or it holds other members.", "Seal it as the message says."),
            "SEALED_KEY_UNKNOWN": ("Sealed under a key that does not count.", "Read the key anew and seal it again."),
            "SEALED_FOR_OTHER": (
                "Sealed for another operator, purpose or payment.",
                "Seal it for what it is sent for.",
            ),
            "SEALED_EXPIRED": ("Sealed too long ago, or ahead of our time.", "Seal it again; compare the clocks."),
            "SEALED_UNREADABLE": ("The sealed text does not open.", "Read the key anew and seal it again."),
        },
    ),
    **_other(
        Stage.REQUEST,
        {
            "CONSENT_WITHDRAWN": (
                "The enterprise has withdrawn its consent; what runs goes on.",
                "Let it consent anew: POST /v1/enterprises/{enterprise_id}/consents.",
            ),
            "ENTERPRISE_CLOSED": (
                "The enterprise is closed; nothing new is begun for it.",
                "What the law has kept of it is erased after its retain_until.",
            ),
            "SUSPENDED": (
                "New discounts are suspended for one of those named.",
                "Send it again when GET /v1/status shows it open.",
            ),
        },
    ),
    **_other(
        Stage.PAYMENT,
        {
            "REVIEW_TIMED_OUT": ("Nobody decided the review in two weeks.", "Request again, or ask the platform."),
            "CONFIRMATION_TIMED_OUT": ("The operator did not confirm within a day.", "Request again and confirm."),
            "PAYMENT_FAILED": ("The bank paid nothing and gave no reason.", "Request again, or ask the platform."),
            "PAYMENT_PENDING": ("Money may be on its way.", "Wait; the platform asks the bank."),
            "CONTRACT_ALTERED": ("The archived contract is not the sealed one.", "Ask the platform; nothing was paid."),
            "EVIDENCE_PENDING": ("Not every event is in the log yet.", "Wait; nothing is paid before."),
            "NO_QUORUM": (
                "Too few witnesses cosigned the log.",
                "Wait; it is asked for again, nothing is paid before.",
            ),
            "NOT_WITNESSED": ("No quorum of witnesses has cosigned this.", "Wait; nothing is paid before."),
            "NOT_ANCHORED": ("The chain does not hold this yet.", "Wait; nothing is paid before."),
            "LOG_DAMAGED": ("A file of the evidence log is missing or altered.", "Ask the platform."),
            "PAYMENT_NOT_RECEIVED": ("The bank never received the payment that day.", "Request again."),
            "ACCOUNT_REFUSED": ("An account is wrong, closed or blocked.", "Have the payee's account looked at."),
            "PAYEE_BANK_UNKNOWN": ("The payee's bank code leads to no bank.", "Correct the account's bank."),
            "FUNDING_REFUSED": ("The funding account could not pay.", "Ask the institution, or choose another."),
            "PAYMENT_AMOUNT_REFUSED": ("The bank pays no such amount.", "Request less, or ask the institution."),
            "PAYMENT_ORDER_REFUSED": ("The bank could not take the order as written.", "Ask the platform."),
            "PAST_CUT_OFF": ("The payment reached the bank after its cut-off.", "Request again on the next day."),
            "REFERENCE_UNKNOWN": ("No payment of ours has this reference.", "Compare it with the order."),
            "SEALED_DATA_DAMAGED": ("Encrypted data does not open.", "Ask the platform."),
        },
    ),
    **_other(
        Stage.IMPORT,
        {
            "BILL_FILE_FORMAT": ("The file cannot be read.", "Save it anew, as the template is."),
            "BILL_FILE_ENCODING": ("The text is neither UTF-8 nor GB18030.", "Save it as CSV in UTF-8."),
            "BILL_FILE_COLUMNS": ("A column is missing, unknown or there twice.", "Use the headings of the template."),
            "BILL_FILE_EMPTY": ("The file has no bills.", "Write one bill to a line, below the headings."),
            "BILL_FILE_TOO_LARGE": ("The file is larger than any that is read.", "Send it in parts."),
            "BILL_FILE_TOO_MANY_LINES": ("The file has more than 10,000 bills.", "Send it in parts."),
            "IMPORT_TOO_LONG": ("A request imports 200 bills at most.", "Announce the file in `upload` instead."),
            "UPLOAD_MISSING": ("The announced file is not there, or is another one.", "Put it where `upload` says."),
            "CELL_MISSING": ("A cell is empty that every line needs.", "Fill in the column that is named."),
            "CELL_FORM": ("A cell does not hold what its column is for.", "Correct the column that is named."),
            "CELL_FORMULA": ("A cell holds a formula.", "Write its value as text."),
            "CELL_ROUNDED": (
                "The spreadsheet has rounded a number.",
                "Format the column as text and enter the digits again.",
            ),
            "CELL_UNKNOWN": ("The line has a value that no column is for.", "Leave it out."),
            "LINE_REPEATED": ("An earlier line has the same bill and range.", "Leave one of them out."),
            "LINE_OVERLAPS": ("An earlier line has a part of this range.", "Compare both ranges with the bill."),
            "BILL_IMPORTED_BEFORE": ("This bill and range was imported before.", "Nothing; read the bill."),
        },
    ),
    **_other(
        Stage.REGISTRATION,
        {
            "BANK_CODE_INVALID": ("The bank code fails its check.", "Compare it with the bank's directory."),
            "MOBILE_INVALID": ("No mainland mobile number.", "Write 11 digits."),
            "ACCOUNT_NOT_VERIFIED": ("Account, name and credit code do not belong together.", "Correct the account."),
        },
    ),
    **_other(
        Stage.OPERATIONS,
        {
            "RESERVE_POSTING": ("A reserve entry that does not fit.", "Correct the field that `field` names."),
            "JOURNAL_ENTRY": ("A journal entry that cannot be read or posted.", "Append a correction."),
            "LEDGER_ACCOUNT": ("An account that the chart does not have.", "Find who posted to it."),
            "ASSIGNEE_UNKNOWN": ("Nobody in operations signs by this name.", "Name a caller of the role operations."),
            "JOB_PERIOD": (
                "A run of a job that is asked for covers no period of that job that is over.",
                "Name a day for daily jobs, a month for monthly ones, that is over in Shanghai.",
            ),
            "DOMAIN_NAMES": ("Domain names that cannot be read.", "Correct the name that `field` names."),
            "DUTY_RECORD": (
                "What is said of a duty does not fit it: not held yet, joint without others, or a training untested.",
                "Correct the field that `field` names.",
            ),
            "AUDIT_YEAR": (
                "An audit pack of no year, or of one that is not over.",
                "Name a calendar year that is over.",
            ),
            "UNKNOWN_STAGE": ("A state machine names a stage that its job does not have.", "Deploy both together."),
            "NO_BACKUPS": (
                "The deployment names no bucket for backups, or none of the backups in it can be used.",
                "Deploy infrastructure/backup.yaml and name its bucket; else restore to a point in time.",
            ),
            "TABLES_NOT_EMPTY": (
                "A backup is to be restored into tables that hold records of their own.",
                "Look at the records; whoever wants them replaced deletes them first.",
            ),
            "BACKUP_DAMAGED": (
                "An object of a backup is missing, or is not what was backed up.",
                "Use the backup before it, and look at the object that the text names.",
            ),
            "CHANGE_STALE": ("The record was changed meanwhile.", "Propose the change anew, on what holds now."),
            "ACCESS_RECORD": (
                "Keys, scopes or addresses of a caller that cannot be read or set so.",
                "Correct the field that `field` names.",
            ),
            "CHANGE_CONTENT": ("A change that cannot be read.", "Correct the field that `field` names."),
            "SAME_PERSON": ("Proposed and approved by the same person.", "Let another person approve it."),
            "PREQUALIFICATION": ("Lifetimes that cannot be read.", "Correct the field that `field` names."),
            "POLICY": ("A policy that cannot be read.", "Correct the field that `field` names."),
            "WITNESS_POLICY": ("A policy of the witnesses that cannot be read.", "Correct the line that is named."),
            "LIMITS": ("Limits that cannot be read.", "Correct the field that `field` names."),
            "CONFIRMATION_RULES": (
                "Rules of confirmation that cannot be read.",
                "Correct the field that `field` names.",
            ),
            "RISK_RULE": ("A risk rule that cannot be configured so.", "Correct the field that `field` names."),
            "MONTHLY_RULE": (
                "A rule of the monthly review that cannot be configured so.",
                "Correct the field that `field` names.",
            ),
            "REPORT_ALTERED": (
                "An archived report is missing, or is not the one whose hash is in the evidence log.",
                "Look at the archive before anything else; let the job run again for a new report.",
            ),
            "TRADE_EVIDENCE": ("An evidence requirement that cannot be read.", "Correct the field that `field` names."),
            "LIST_ENTRY": ("A list entry that cannot be read.", "Correct the field that `field` names."),
            "RATE_TABLE": ("A rate table that cannot be read.", "Correct the row that `field` names."),
            "ACCEPTOR_DIRECTORY": ("A directory that cannot be read.", "Correct the entry that `field` names."),
            "CALENDAR_DAYS": ("The days of a year do not fit it.", "Compare them with the notice."),
            "CALENDAR_SOURCE": ("A year without its source.", "Give the notice's address and SHA-256."),
            "SERVICE_HOURS": ("Hours that cannot be read.", 'Write {"opens": "09:00", "closes": "17:00"}.'),
        },
    ),
    **_other(
        Stage.TOOLS,
        {
            "DATE_INVALID": ("No calendar day.", "Write it like 2026-03-02."),
            "DAYS_INVALID": ("Fewer than one day of interest.", "Compare the dates."),
            "FACE_INVALID": ("No positive amount in yuan.", "Write it like 1000000.00."),
            "FEE_INVALID": ("No amount of 0 or more in yuan.", "Write it like 10.00."),
            "MONTHS_INVALID": (
                "Held for as long as the bill runs, or longer.",
                "Hold 0 or more and fewer than all months.",
            ),
            "BILL_PAPER_NOT_DISCOUNTABLE": ("A paper bill is not discounted online.", "Take it to the bank."),
            "BILL_NUMBER_RESERVED": ("Digit 4 of a paper bill's number is not 0.", _COMPARE),
            "BILL_NUMBER_KIND": ("Digit 7 of a paper bill's number is neither 5 nor 6.", _COMPARE),
            "ORGANISATION_CODE_INVALID": ("The organisation code fails its check.", "Compare it with the licence."),
            "RESIDENT_ID_INVALID": ("The resident ID fails its check.", "Compare it with the card."),
            "BANK_CARD_INVALID": ("The card number fails its check.", "Compare it with the card."),
            "LEI_INVALID": ("The LEI fails its check.", "Compare it with the global index."),
            "INSTITUTION_CODE_INVALID": ("No financial institution code.", "Write it like B0013H135010001."),
            "REGISTRY_MEMBER_INVALID": ("Neither 6 nor 9 digits.", "Compare it with the registry's member list."),
            "RANGE_LOCKED": ("Another application has locked a part of the range.", "Wait, or withdraw that one."),
            "RANGE_NOT_LOCKED": ("The application has locked nothing.", "Lock the range first."),
            "RANGE_ONE_PER_OWNER": ("The application has another range.", "Make one application for each range."),
            "RANGE_OVERLAP": ("Holdings of one package overlap.", "Restore the package's record."),
            "RANGES_UNREADABLE": ("A package's record cannot be read.", "Restore the package's record."),
            "BILL_STATE_NOT_ALLOWED": ("The bill's state does not allow this step.", "Read the bill again."),
            "CHAIN_AFTER_MATURITY": ("Endorsed after maturity.", "Present it for payment."),
            "RECEIPT_FORMAT": ("The file is no receipt in its only byte form.", "Use it exactly as received."),
            "RECEIPT_CHECKPOINT": ("The checkpoint is not the log's, or lacks a quorum.", "Compare the pinned keys."),
            "RECEIPT_EVENTS": ("The events are not this discount's, in order.", "Ask for the receipt again."),
            "RECEIPT_PROOF": ("An event is not in the log.", "Ask for the receipt again."),
            "RECEIPT_INCOMPLETE": ("The last event does not end the discount.", "Ask for the receipt again."),
            "RECEIPT_CHAIN": ("The key on the chain is not this checkpoint's.", "Ask for the receipt again."),
            "TRUST_POLICY": ("The trust policy is not named, missing or malformed.", "Use your own pinned trust.txt."),
            "FILE_UNREADABLE": ("A named file cannot be read.", "Compare its path."),
            "LOG_UNREADABLE": ("A file of the log cannot be read.", "Try again, or use a mirror."),
            "LOG_CHECKPOINT": ("Not signed by the log, or no quorum.", "Compare the pinned keys."),
            "LOG_FILE_WRONG": ("The named file is not what the log signed.", "Keep it, report it, use a mirror."),
            "LOG_ROOT_WRONG": ("The files do not lead to the signed root.", "Keep them, report it, use a mirror."),
            "LOG_SHRUNK": ("The log answers with fewer entries than before.", "Try again; if it stays, report it."),
            "FEED_WRONG": ("An answer of the feed leaves out, repeats or mixes up leaves.", "Keep it, and report it."),
            "LEAF_DIFFERS": ("A leaf of the log is another one than was told.", "Keep both, and report it."),
            "EVENT_DIFFERS": ("What was told of a discount is not what its receipt has.", "Keep both, and report it."),
            "COPY_DAMAGED": ("A file of the copy itself is wrong.", "Delete the named file and copy again."),
            "CHAIN_PROFILE": ("The connection profile or its identity cannot be used.", "Correct the named part."),
            "CHAIN_KEY": ("A key is not 64 hexadecimal digits.", "Write it like the SHA-256 that it is."),
            "CHAIN_CONFLICT": ("Another value is on the chain under this key.", "Look at it with `get`; report it."),
            "CHAIN_REFUSED": ("The network refused the transaction.", "Read who refused and why; mend it, run again."),
            "CHAIN_UNAVAILABLE": ("The chain did not answer.", "Run it again: nothing is put twice."),
            "LOG_FORKED": (
                "The new log does not extend the old one.",
                "Keep both checkpoints and the tiles: the proof.",
            ),
        },
    ),
    **_other(
        Stage.WEBHOOKS,
        {
            "WEBHOOK_URL": (
                "No webhook is sent to such a URL.",
                "Name a public host, over https, on port 443 or 8443.",
            ),
            "WEBHOOK_ADDRESS": (
                "The host's name leads to an address that is not of the public internet.",
                "Let it resolve to public addresses only.",
            ),
            "WEBHOOK_TYPE": ("There is no such event type.", "Compare it with docs/webhooks.md."),
            "WEBHOOK_ENDPOINTS_FULL": ("There are as many endpoints as there may be.", "Delete one, or change it."),
            "WEBHOOK_KEY": ("A key is not of the form whsec_…, whpk_… or whsk_….", "Use it as the platform showed it."),
            "WEBHOOK_HEADER_MISSING": ("A webhook lacks one of its headers.", "Drop it."),
            "WEBHOOK_TOO_OLD": ("A webhook was not signed within five minutes.", "Drop it; compare your clock."),
            "WEBHOOK_SIGNATURE": ("A webhook is not signed with the key over these bytes.", "Drop it."),
        },
    ),
    **_other(
        Stage.AGAIN,
        {
            "INTERNAL": ("Something failed on our side.", "Send the same request again."),
            "BUSY_TRY_AGAIN": ("Others changed the same records again and again.", "Send the same request again."),
            "WRITE_CONFLICT": ("The records changed meanwhile.", "Send the same request again."),
            "BANK_UNAVAILABLE": ("The bank did not answer.", "Nothing; the platform asks again."),
            "REGISTRY_UNAVAILABLE": ("A registry did not answer for minutes.", "Request again later."),
            "ACCOUNTS_UNAVAILABLE": ("The login service did not answer.", "Send the same request again."),
            "SMS_UNAVAILABLE": ("The SMS gateway did not answer.", "Nothing; the platform sends again."),
        },
    ),
}
