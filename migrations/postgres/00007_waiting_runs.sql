-- +goose Up
-- modify "runs" table
ALTER TABLE "runs" ADD COLUMN "review_code" boolean NOT NULL DEFAULT false, ADD COLUMN "based_on_id" character varying NULL, ADD COLUMN "edited_index" bigint NOT NULL DEFAULT 0, ADD COLUMN "only_edited" boolean NOT NULL DEFAULT false, ADD COLUMN "rewind_to" character varying NULL;
-- modify "steps" table
ALTER TABLE "steps" ADD COLUMN "copied_from" character varying NULL, ADD COLUMN "input" text NULL;
-- create "approvals" table
CREATE TABLE "approvals" ("id" character varying NOT NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL, "state" character varying NOT NULL DEFAULT 'PENDING', "tool" character varying NOT NULL, "request" jsonb NOT NULL, "note" text NULL, "decided_at" timestamptz NULL, "run_id" character varying NOT NULL, "step_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "approvals_runs_approvals" FOREIGN KEY ("run_id") REFERENCES "runs" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "approvals_steps_approvals" FOREIGN KEY ("step_id") REFERENCES "steps" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "approval_run_id" to table: "approvals"
CREATE INDEX "approval_run_id" ON "approvals" ("run_id");
-- create index "approval_step_id" to table: "approvals"
CREATE INDEX "approval_step_id" ON "approvals" ("step_id");
