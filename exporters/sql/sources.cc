#include <optional>
#include <vector>

#include "common/base/error.h"
#include "exporters/sql/described.h"
#include "exporters/sql/reports.h"
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
    {{"source.connections", "3", "Maximum number of concurrent queries."}, "connections"},
};

constexpr std::string_view kTakenLabels[] = {"source"};

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

Database::Options read_database(const std::string& name, const Yaml& entry) {
  return {name, read_string(entry), entry.optional_secret("password"), read_connections(entry)};
}

/// A separate connection pool to a source for a collector of another one.
std::shared_ptr<Database> open_database(const Yaml& file, const Yaml& name) {
  for (const auto& entry : file.required("sources").items()) {
    if (entry.required("name").string() != name.string()) continue;
    return std::make_shared<Database>(read_database(name.string(), entry));
  }
  name.fail("there is no source of this name");
}

/// How many of the entries, each of two sources, have this one second.
std::size_t count_readers(const Yaml& file, const std::string& name) {
  std::size_t count = 0;
  if (const auto map = file.optional("reconcile")) {
    for (const auto& [key, entry] : map->entries()) {
      count += entry.required("right").required("source").string() == name ? 1 : 0;
    }
  }
  if (const auto list = file.optional("replication")) {
    for (const auto& entry : list->items()) {
      count += entry.required("replica").string() == name ? 1 : 0;
    }
  }
  return count;
}

/// The parts of the file that concern several sources.
void read_file(const SourceInputs& inputs, Source& source) {
  const auto& file = *inputs.file;
  const auto names = names_of(inputs);
  const auto dialect = source.database.dialect();
  const auto open = [&](const Yaml& name) { return open_database(file, name); };
  if (const auto map = file.optional("collectors")) {
    source.collectors = read_collectors(*map, inputs.name, names, dialect);
  }
  source.quality = read_quality(file, inputs.name, names, dialect);
  source.reconciliations = read_reconciliations(file, inputs.name, names, dialect, open);
  source.replication = read_replication(file, inputs.name, names, open);
  if (const auto map = file.optional("business")) {
    source.business = business::read_config(*map, inputs.name, names);
  }
  source.other_readers = count_readers(file, inputs.name);
}

std::shared_ptr<Source> make_source(const SourceInputs& inputs) {
  const auto connections = read_connections(inputs.config);
  std::shared_ptr<Source> source(new Source{inputs.name,
                                            connections,
                                            Database(read_database(inputs.name, inputs.config)),
                                            inputs.ledgers,
                                            {},
                                            {},
                                            {},
                                            {}});
  source->labels = read_fixed_labels(inputs.config, kTakenLabels);
  if (inputs.file != nullptr) read_file(inputs, *source);
  return source;
}

std::vector<Collector> describe(const std::shared_ptr<Source>& source) {
  std::vector<Collector> collectors;
  for (auto& described : describe_all(source)) {
    collectors.push_back(std::move(described.collector));
  }
  return collectors;
}

/// A failing query does not mean that its database is down.
bool means_down(Reason reason) {
  return reason == Reason::connect || reason == Reason::auth || reason == Reason::config;
}

constexpr std::string_view kMoreKeys[] = {"collectors", "quality", "reconcile", "replication",
                                          "business"};

constexpr Report<Source> kReports[] = {
    {"print-sql", "Print each statement as it would run now, with its interval, and exit.",
     write_statements},
    {"grants", "Print the SQL that creates a user with the necessary privileges, and exit.",
     write_grants},
    {"explain",
     "Run one collector of the configuration file once, print the rows, the samples and what was "
     "rejected, and exit.",
     explain, "COLLECTOR", true},
};

}  // namespace

constinit const SourceKind<Source> kSources{.key = "sources",
                                            .label = "source",
                                            .more_keys = kMoreKeys,
                                            .flags = kFlags,
                                            .needed_flag = "source.odbc",
                                            .make = make_source,
                                            .describe = describe,
                                            .means_down = means_down,
                                            .check = check_source,
                                            .reports = kReports};

}  // namespace exporter::sql
