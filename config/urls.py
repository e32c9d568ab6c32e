"""Every address of the site."""

from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from accounts import entry_urls
from config import converters
from rewards.api.schema import docs as api_docs
from rewards.api.schema import problems as api_problems
from rewards.views import (
    actions,
    audit,
    claims,
    corrections,
    disputes,
    documents,
    enrolment,
    evidence,
    health,
    helped,
    maker_payouts,
    maker_wallets,
    makers,
    notices,
    proofs,
    public,
    quarantine,
    quoted,
    reference,
    review,
    revisions,
    safe,
    scorecard_tables,
    status,
    tax_files,
    treasury,
    webhooks,
    where_next,
)
from rewards.views import desk as desk_pages
from rewards.views import receipt as receipts
from rewards.views import treasury_drafts as drafts
from rewards.views import treasury_opening as opening
from rewards.views import treasury_programmes as programmes
from rewards.views import treasury_review as reviews
from rewards.views import vaults as vault_pages
from rewards.views import whatif as whatif_pages
from rewards.views.live import stream

register_converter(converters.AddressConverter, "account")
register_converter(converters.RootConverter, "root")
register_converter(converters.TableConverter, "table")
register_converter(converters.TermsFormConverter, "terms_form")

handler400 = "config.errors.bad_request"
handler403 = "config.errors.not_allowed"
handler404 = "config.errors.not_found"
handler500 = "config.errors.failed"

_QUOTED = "makers/<slug:slug>/<slug:program>/<int:number>/<str:market>/"
_DRAFT = "treasury/programmes/<slug:slug>/terms/<int:number>/"
_EPOCH = "programmes/<slug:slug>/epochs/<int:number>/"

urlpatterns = [
    path("", public.home, name="home"),
    path("programmes/<slug:slug>/", public.programme, name="programme"),
    path("programmes/<slug:slug>/history.csv", helped.history_csv, name="programme-history"),
    path(_EPOCH, public.epoch, name="epoch"),
    path(_EPOCH + "evidence.tar", evidence.evidence_tar, name="evidence-tar"),
    path(_EPOCH + "evidence/<str:name>", evidence.evidence_file, name="evidence-file"),
    path(_EPOCH + "results/", revisions.revisions, name="revisions"),
    path(_EPOCH + "results/<int:revision>/evidence.tar", revisions.revision_tar, name="revision-tar"),
    path("makers/", makers.makers, name="makers"),
    path("makers/<slug:slug>/", makers.maker, name="maker"),
    path("makers/<slug:slug>/vault/", vault_pages.vault, name="maker-vault"),
    path("makers/<slug:slug>/<slug:program>/<int:number>/", makers.scorecard, name="scorecard"),
    path("makers/<slug:slug>/<slug:program>/<int:number>/live", stream.scorecard_stream, name="scorecard-live"),
    path("makers/<slug:slug>/next/", where_next.where_next_first, name="maker-next"),
    path("makers/<slug:slug>/<slug:program>/next/", where_next.where_next_page, name="where-next"),
    path(
        "makers/<slug:slug>/<slug:program>/next/sessions.<table:form>",
        where_next.where_next_table,
        name="where-next-table",
    ),
    path(
        "makers/<slug:slug>/<slug:program>/<int:number>/tables/<str:name>.<table:form>",
        scorecard_tables.scorecard_table,
        name="scorecard-tables",
    ),
    path(_QUOTED + "series.json", quoted.series, name="scorecard-series"),
    path(_QUOTED + "by-five-minutes.<table:form>", quoted.table, name="scorecard-table"),
    path(_QUOTED + "at/<int:time_ms>/", quoted.moment, name="scorecard-moment"),
    path("makers/<slug:slug>/wallets/", maker_wallets.wallets, name="maker-wallets"),
    path("makers/<slug:slug>/payouts/", maker_payouts.payouts, name="maker-payouts"),
    path("enrolment/", enrolment.enrol, name="enrol"),
    path("enrolment/<int:number>/", enrolment.enrolment, name="enrolment"),
    path("makers/<slug:slug>/disputes/", disputes.maker_disputes, name="maker-disputes"),
    path("makers/<slug:slug>/<slug:program>/<int:number>/dispute/", disputes.dispute_new, name="dispute-new"),
    path("disputes/<int:dispute_id>/", disputes.dispute, name="dispute"),
    path("disputes/<int:dispute_id>/say/", disputes.say, name="dispute-say"),
    path("disputes/<int:dispute_id>/decide/", disputes.decide, name="dispute-decide"),
    path("disputes/<int:dispute_id>/withdraw/", disputes.withdraw, name="dispute-withdraw"),
    path("disputes/<int:dispute_id>/files/<int:file_id>/", disputes.download, name="dispute-file"),
    path("treasury/", treasury.inbox, name="treasury"),
    path("treasury/makers/", enrolment.enrolments, name="enrolments"),
    path("treasury/epochs/", desk_pages.epochs, name="treasury-epochs"),
    path("treasury/disputes/", desk_pages.disputes, name="treasury-disputes"),
    path("treasury/actions/", desk_pages.actions, name="treasury-actions"),
    path("treasury/spend/", desk_pages.spend, name="treasury-spend"),
    path("treasury/spend/<slug:slug>.csv", desk_pages.spend_csv, name="treasury-spend-csv"),
    path("treasury/health/", desk_pages.health, name="treasury-health"),
    path("treasury/what-if/", whatif_pages.what_ifs, name="what-ifs"),
    path("treasury/what-if/<int:job_id>/", whatif_pages.what_if, name="what-if"),
    path("treasury/what-if/<int:job_id>/progress/", whatif_pages.what_if_progress, name="what-if-progress"),
    path("treasury/what-if/<int:job_id>/cancel/", whatif_pages.what_if_cancel, name="what-if-cancel"),
    path("treasury/what-if/<int:job_id>.csv", whatif_pages.what_if_csv, name="what-if-csv"),
    path("treasury/audit/", audit.log, name="audit"),
    path("treasury/audit.jsonl", audit.export, name="audit-export"),
    path("treasury/epochs/<slug:program>/<int:number>/", treasury.epoch, name="treasury-epoch"),
    path("treasury/epochs/<slug:program>/<int:number>/approve/", treasury.approve, name="treasury-approve"),
    path("treasury/epochs/<slug:program>/<int:number>/forward/", review.put_forward, name="treasury-put-forward"),
    path("treasury/epochs/<slug:program>/<int:number>/back/", review.send_back, name="treasury-send-back"),
    path("treasury/epochs/<slug:program>/<int:number>/lift/", review.lift, name="treasury-lift"),
    path("treasury/epochs/<slug:program>/<int:number>/flag/", review.judge, name="treasury-flag"),
    path("treasury/epochs/<slug:program>/<int:number>/comment/", review.comment, name="treasury-comment"),
    path("treasury/epochs/<slug:program>/<int:number>/safe/sign/", safe.sign, name="treasury-safe-sign"),
    path("treasury/epochs/<slug:program>/<int:number>/safe/batch.json", safe.batch, name="treasury-safe-batch"),
    path("treasury/programmes/", programmes.programmes, name="treasury-programmes"),
    path("treasury/programmes/new/", opening.programme_new, name="treasury-programme-new"),
    path("treasury/programmes/<slug:slug>/", programmes.programme, name="treasury-programme"),
    path(
        "treasury/programmes/<slug:slug>/terms/<slug:key>.<terms_form:form>", programmes.terms_file, name="terms-file"
    ),
    path("treasury/programmes/<slug:slug>/terms/new/", drafts.draft_new, name="treasury-draft-new"),
    path("treasury/programmes/<slug:slug>/terms/import/", drafts.draft_import, name="treasury-draft-import"),
    path(_DRAFT, reviews.draft, name="treasury-draft"),
    path(_DRAFT + "edit/", drafts.draft_edit, name="treasury-draft-edit"),
    path(_DRAFT + "hand-in/", reviews.hand_in, name="treasury-draft-hand-in"),
    path(_DRAFT + "review/", reviews.review, name="treasury-draft-review"),
    path(_DRAFT + "withdraw/", reviews.withdraw, name="treasury-draft-withdraw"),
    path(_DRAFT + "comment/", reviews.comment, name="treasury-draft-comment"),
    path("treasury/programmes/<slug:slug>/actions/", actions.listed, name="market-actions"),
    path("treasury/programmes/<slug:slug>/actions/<int:action_id>/", actions.decide, name="market-action-decide"),
    path(
        "treasury/epochs/<slug:program>/<int:number>/corrections/",
        corrections.corrections,
        name="treasury-corrections",
    ),
    path("treasury/corrections/<int:correction_id>/confirm/", corrections.confirm, name="correction-confirm"),
    path("treasury/corrections/<int:correction_id>/withdraw/", corrections.withdraw, name="correction-withdraw"),
    path("proofs/<slug:slug>/<account:account>.json", proofs.proof, name="proof"),
    path("proofs/<slug:slug>/<root:root>/<account:account>.json", proofs.proof_of_root, name="proof-of-root"),
    path("collect/", claims.collect, name="collect"),
    path("collect/<account:account>/", claims.account, name="collect-account"),
    path(
        "collect/<account:account>/receipts/<root:tx_hash>/<int:log_index>/", receipts.receipt, name="collect-receipt"
    ),
    path("collect/<account:account>/<int:year>.csv", tax_files.collected_csv, name="collected-csv"),
    path("collect/<account:account>/<int:year>-koinly.csv", tax_files.collected_koinly, name="collected-koinly"),
    path("collect/<account:account>/progress/", claims.progress, name="collect-progress"),
    path("collect/<account:account>/from/<slug:program>/", claims.collect_now, name="collect-now"),
    path("collect/<account:account>/from/<slug:program>/by-itself/", claims.by_itself, name="collect-by-itself"),
    path("notices/", notices.notices, name="notices"),
    path("notices/mail/", notices.choose, name="notices-choose"),
    path("notices/stop/<str:token>/", notices.stop, name="notices-stop"),
    path("treasury/webhooks/", webhooks.of_treasury, name="treasury-webhooks"),
    path("makers/<slug:slug>/webhooks/", webhooks.of_maker, name="maker-webhooks"),
    path("webhooks/<int:pk>/", webhooks.webhook, name="webhook"),
    path("status/", status.status, name="status"),
    path("status/quarantine/", quarantine.listed, name="quarantine"),
    path("status/quarantine/<int:market_id>/", quarantine.derive_again, name="market-derive-again"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", status.metrics, name="metrics"),
    path("", include("accounts.urls")),
    path("docs/", documents.document, name="documents"),
    path("docs/<path:path>", documents.document, name="documents-page"),
    path("api/docs/", api_docs, name="api-docs"),
    path("api/problems/", api_problems, name="api-problems"),
    path("api/v1/", include(("rewards.api.urls", "api"))),
    # allauth's own names, each under an address of ours; what is not listed there is not reachable.
    *entry_urls.urlpatterns,
    # One door with one throttle: the admin's own form counts no tries.
    path("admin/login/", RedirectView.as_view(pattern_name="accounts:login", query_string=True), name="admin-sign-in"),
    path("admin/", reference.site.urls),
]
