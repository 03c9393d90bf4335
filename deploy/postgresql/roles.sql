-- The roles of Valhalla's database, each with the least that it needs. As a superuser, once, before the first migration:
--
--   psql -v ON_ERROR_STOP=1 -d valhalla -f deploy/postgresql/roles.sql
--
-- then a way in for each (\password valhalla_web, or pg_hba.conf), migrate as the owner, and grants.sql. Running it
-- again changes nothing. None is a superuser: nobody here can switch triggers off (session_replication_role).
--
--   valhalla_owner      owns the schema and migrates it; used for that alone, and kept from the machines that serve
--   valhalla_web        gunicorn, and the operators' commands
--   valhalla_scheduler  run_scheduler: seals the trail, and removes KPI events whose time is over
--   valhalla_auditor    reads; verify_ledger, verify_audit
--   valhalla_backup     pg_dump

SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name)
  FROM unnest(ARRAY['owner', 'web', 'scheduler', 'auditor', 'backup']) AS part, concat('valhalla_', part) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

-- Not even a temporary table, which would stand before one of the same name.
REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME"
   TO valhalla_owner, valhalla_web, valhalla_scheduler, valhalla_auditor, valhalla_backup;

ALTER SCHEMA public OWNER TO valhalla_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO valhalla_web, valhalla_scheduler, valhalla_auditor, valhalla_backup;

GRANT pg_read_all_data TO valhalla_backup;
ALTER ROLE valhalla_backup SET default_transaction_read_only = on;
ALTER ROLE valhalla_auditor SET default_transaction_read_only = on;
