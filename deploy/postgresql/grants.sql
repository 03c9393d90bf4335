-- What each role of roles.sql may do to the tables. As the owner, after each migrate:
--
--   psql -v ON_ERROR_STOP=1 -d valhalla -U valhalla_owner -f deploy/postgresql/grants.sql
--
-- It first takes everything back, in one transaction, so the file as it stands is what holds.
BEGIN;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM valhalla_web, valhalla_scheduler, valhalla_auditor;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM valhalla_web, valhalla_scheduler, valhalla_auditor;

-- Everyone reads; who serves and who schedules also writes.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO valhalla_web, valhalla_scheduler, valhalla_auditor;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO valhalla_auditor;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO valhalla_web, valhalla_scheduler;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO valhalla_web, valhalla_scheduler;

-- The trail is appended: rows are inserted, and neither changed nor deleted, beside the triggers that refuse it too.
REVOKE UPDATE ON audit_event, audit_seal, review_decision, risk_event, heimdall_event, kpi_event, kpi_batch
  FROM valhalla_web, valhalla_scheduler;
-- Migrations, rights and roles are the owner's.
REVOKE INSERT, UPDATE
    ON django_migrations, django_content_type, auth_permission, auth_group, auth_group_permissions, django_admin_log
  FROM valhalla_web, valhalla_scheduler;

-- Only the scheduler seals, runs jobs, and removes what retention lets go; it makes no accounts and no rules.
REVOKE INSERT, UPDATE ON audit_seal, job_run FROM valhalla_web;
GRANT DELETE ON kpi_event, kpi_batch, notice, notice_delivery TO valhalla_scheduler;
REVOKE INSERT, UPDATE
    ON auth_user, auth_user_groups, auth_user_user_permissions, access_token, django_session, notice_rule
  FROM valhalla_scheduler;

-- Holds are lifted, tokens revoked, sessions and roles ended, gaps merged.
GRANT DELETE ON hold, regression_gap TO valhalla_web, valhalla_scheduler;
GRANT DELETE
    ON access_token, auth_user_groups, django_session, axes_accessattempt, axes_accessattemptexpiration,
       axes_accessfailurelog
    TO valhalla_web;

-- The auditor sees who there is, but no password's hash and no session. (A token is random: its digest gives nothing.)
REVOKE SELECT ON auth_user, django_session FROM valhalla_auditor;
GRANT SELECT (id, username, first_name, last_name, email, is_active, is_staff, is_superuser, date_joined, last_login)
   ON auth_user TO valhalla_auditor;

-- A chain of seals begins under a lock of the tables that it seals (and a restored database begins one). Before
-- PostgreSQL 17 that lock is the owner's: run `manage.py seal_audit` as the owner then.
SELECT current_setting('server_version_num')::integer >= 170000 AS can_maintain \gset
\if :can_maintain
GRANT MAINTAIN ON audit_event, risk_event, heimdall_event, kpi_event TO valhalla_scheduler;
\endif

COMMIT;
