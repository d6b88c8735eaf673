#include <optional>
#include <vector>

#include "common/base/error.h"
#include "exporters/sql/business/groups.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kConnectionsAtMost = 50;

constexpr SourceFlag kFlags[] = {
    {{"source.odbc", "",
      "ODBC connection string of the database, without a password; the configuration file names "
      "those of several instead."},
     "odbc"},
    {{"source.name", "database", "The label `source`."}, "name"},
    {{"source.password-file", "", "File with the password."}, "password_file"},
    {{"source.connections", "3", "Most queries that run at once."}, "connections"},
};

ConnectionString read_string(const Yaml& entry) {
  const auto odbc = entry.required("odbc");
  try {
    return ConnectionString(odbc.string());
  } catch (const Error& error) {
    odbc.fail(error.what());
  }
}

std::size_t read_connections(const Yaml& entry) {
  const auto given = entry.optional("connections");
  if (!given) return 3;
  const auto count = given->integer();
  if (count < 1 || count > std::int64_t(kConnectionsAtMost)) given->fail("expected 1 to 50");
  return std::size_t(count);
}

/// The names of all sources.
std::vector<std::string> names_of(const SourceInputs& inputs) {
  std::vector<std::string> names;
  const auto list = inputs.file == nullptr ? std::nullopt : inputs.file->optional("sources");
  if (!list) return {inputs.name};
  for (const auto& entry : list->items()) names.push_back(entry.required("name").string());
  return names;
}

std::shared_ptr<Source> make_source(const SourceInputs& inputs) {
  const auto string = read_string(inputs.config);
  const auto connections = read_connections(inputs.config);
  std::shared_ptr<Source> source(new Source{
      inputs.name,
      connections,
      Database({inputs.name, string, inputs.config.optional_secret("password"), connections}),
      inputs.ledgers,
      {}});
  const auto map = inputs.file == nullptr ? std::nullopt : inputs.file->optional("collectors");
  if (map) {
    source->collectors =
        read_collectors(*map, inputs.name, names_of(inputs), source->database.dialect());
  }
  const auto business = inputs.file == nullptr ? std::nullopt : inputs.file->optional("business");
  if (business) source->business = business::read_config(*business, inputs.name, names_of(inputs));
  return source;
}

std::vector<Collector> describe(const std::shared_ptr<Source>& source) {
  auto collectors = business::describe_business(source);
  for (const auto& config : source->collectors) {
    std::vector<MetricView> metrics;
    for (const auto& metric : config->metrics) metrics.push_back(metric->view());
    collectors.push_back(
        {.name = config->name,
         .schedule = config->schedule,
         .timeout = config->timeout,
         .metrics = std::move(metrics),
         .collect = config->events ? make_events(source, config) : make_query(source, config),
         .at_once = source->connections});
  }
  return collectors;
}

/// A query that fails says nothing of its database.
bool means_down(Reason reason) {
  return reason == Reason::connect || reason == Reason::auth || reason == Reason::config;
}

}  // namespace

constinit const SourceKind<Source> kSources{.key = "sources",
                                            .label = "source",
                                            .flags = kFlags,
                                            .needed_flag = "source.odbc",
                                            .make = make_source,
                                            .describe = describe,
                                            .means_down = means_down};

}  // namespace exporter::sql
