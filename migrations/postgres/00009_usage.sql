-- +goose Up
-- modify "runs" table
ALTER TABLE "runs" ADD COLUMN "cost_micros" bigint NOT NULL DEFAULT 0, ADD COLUMN "output_bytes" bigint NOT NULL DEFAULT 0;
-- modify "steps" table
ALTER TABLE "steps" ADD COLUMN "expense" jsonb NULL, ADD COLUMN "budget" character varying NULL;
-- create "usage_days" table
CREATE TABLE "usage_days" ("id" character varying NOT NULL, "day" character varying NOT NULL, "runs" bigint NOT NULL DEFAULT 0, "tokens" bigint NOT NULL DEFAULT 0, "cost_micros" bigint NOT NULL DEFAULT 0, "python_ms" bigint NOT NULL DEFAULT 0, "output_bytes" bigint NOT NULL DEFAULT 0, "owner_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "usage_days_users_usage_days" FOREIGN KEY ("owner_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "usageday_owner_id_day" to table: "usage_days"
CREATE UNIQUE INDEX "usageday_owner_id_day" ON "usage_days" ("owner_id", "day");
