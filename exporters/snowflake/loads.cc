#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kPipeCredits =
    counter("snowflake_pipe_credits_total",
            "Credits of the pipe, by its name without schema; pipes without a name count "
            "together.",
            "account", "pipe");
constexpr auto kPipeFiles =
    counter("snowflake_pipe_files_total", "Files that the pipe loaded.", "account", "pipe");
constexpr auto kPipeBytes =
    counter("snowflake_pipe_bytes_total", "Bytes that the pipe loaded, and that are billed.",
            "account", "pipe", "kind");
constexpr auto kFiles =
    counter("snowflake_copied_files_total",
            "Files that COPY and pipes processed by result (loaded, partially_loaded, load_failed, "
            "load_skipped). dataset is set only for files that were not loaded completely.",
            "account", "database", "schema", "dataset", "status");
constexpr auto kRows =
    counter("snowflake_copied_rows_total", "Rows that COPY and pipes loaded, and that had errors.",
            "account", "database", "schema", "kind");
constexpr auto kBytes = counter("snowflake_copied_bytes_total",
                                "Bytes of the files that COPY and pipes took from stages.",
                                "account", "database", "schema");
constexpr auto kLatency =
    histogram("snowflake_copy_latency_seconds",
              "Time from when a pipe was notified of a file until it was loaded.", "account",
              "database", "schema");
constexpr MetricView kMetrics[] = {kPipeCredits, kPipeFiles, kPipeBytes, kFiles,
                                   kRows,        kBytes,     kLatency};

constexpr std::string_view kByPipe[] = {"L_PIPE_ID", "N_PIPE"},
                           kByFile[] = {"L_DATABASE", "L_SCHEMA", "L_DATASET", "L_STATUS"};
constexpr Value kPipeValues[] = {
    {"V_CREDITS", kPipeCredits},
    {"V_FILES", kPipeFiles},
    {"V_BYTES", kPipeBytes, 1, "inserted"},
    {"V_BYTES_BILLED", kPipeBytes, 1, "billed"},
};
constexpr Value kCopyValues[] = {
    {"V_FILES", kFiles},
    {"V_ROWS", kRows, 1, "loaded"},
    {"V_ERROR_ROWS", kRows, 1, "error"},
    {"V_BYTES", kBytes},
};
constexpr double kBounds[] = {60, 300, 1800};
constexpr std::string_view kBoundColumns[] = {"LE_60", "LE_300", "LE_1800"};
constexpr Buckets kHistograms[] = {
    {kLatency, kBounds, kBoundColumns, "V_TIMED", "V_LATENCY_SECONDS"}};

/// Pipes by id, because names are not unique and may be added late. Copies into tables that rarely
/// change are up to two days late.
constexpr UsageStatement kStatements[] = {
    {.name = "pipes",
     .text = R"(SELECT PIPE_ID AS L_PIPE_ID, COALESCE(MAX(PIPE_NAME), '') AS N_PIPE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED, 0)) AS V_CREDITS,
  SUM(COALESCE(BYTES_INSERTED, 0)) AS V_BYTES,
  SUM(COALESCE(FILES_INSERTED::NUMBER(38, 0), 0)) AS V_FILES,
  SUM(COALESCE(BYTES_BILLED, 0)) AS V_BYTES_BILLED,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.PIPE_USAGE_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY PIPE_ID, DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600))",
     .labels = kByPipe,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kPipeValues},
    {.name = "copies",
     .text =
         R"(SELECT COALESCE(TABLE_CATALOG_NAME, '') AS L_DATABASE, COALESCE(TABLE_SCHEMA_NAME, '') AS L_SCHEMA,
  IFF(LOWER(STATUS) = 'loaded', '', LOWER(COALESCE(TABLE_CATALOG_NAME, '') || '.' || COALESCE(TABLE_SCHEMA_NAME, '') || '.' || COALESCE(TABLE_NAME, ''))) AS L_DATASET,
  LOWER(REPLACE(STATUS, ' ', '_')) AS L_STATUS,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', LAST_LOAD_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', LAST_LOAD_TIME)), 300) AS B,
  COUNT(*) AS V_FILES,
  SUM(COALESCE(ROW_COUNT, 0)) AS V_ROWS,
  SUM(COALESCE(ERROR_COUNT, 0)) AS V_ERROR_ROWS,
  SUM(COALESCE(FILE_SIZE, 0)) AS V_BYTES,
  COUNT_IF(PIPE_RECEIVED_TIME IS NOT NULL) AS V_TIMED,
  SUM(COALESCE(GREATEST(DATEDIFF('second', PIPE_RECEIVED_TIME, LAST_LOAD_TIME), 0), 0)) AS V_LATENCY_SECONDS,
  COUNT_IF(DATEDIFF('second', PIPE_RECEIVED_TIME, LAST_LOAD_TIME) <= 60) AS LE_60,
  COUNT_IF(DATEDIFF('second', PIPE_RECEIVED_TIME, LAST_LOAD_TIME) <= 300) AS LE_300,
  COUNT_IF(DATEDIFF('second', PIPE_RECEIVED_TIME, LAST_LOAD_TIME) <= 1800) AS LE_1800,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', LAST_LOAD_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.COPY_HISTORY
WHERE LAST_LOAD_TIME >= TO_TIMESTAMP_LTZ({lo}) AND LAST_LOAD_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kByFile,
     .bucket = minutes(5),
     .horizon = hours(49),
     .counters = kCopyValues,
     .histograms = kHistograms},
};

}  // namespace

constinit const Group kLoadsGroup{"loads", hours(2), kStatements, "USAGE_VIEWER"};

constinit const Module kLoads = group_module<kLoadsGroup>(kMetrics);

}  // namespace exporter::snowflake
