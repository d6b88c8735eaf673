#include "tests/exporters/dbt/configured.h"

#include "common/app/collectors.h"
#include "tests/support/upstreams.h"

using namespace exporter;

std::vector<Collector> collectors_of(const std::string& file, const Given& given,
                                     std::shared_ptr<Ledgers> ledgers) {
  App app;
  const dbt::Module* modules[] = {&dbt::artifacts()};
  watch<dbt::ProjectSource>(app, dbt::kProjects, modules);
  AppFlags flags(app);
  flags.add_switches(app, true);
  std::optional<Yaml> yaml;
  if (!file.empty()) yaml = Yaml::parse(file, "dbt.yml");
  const auto* read = yaml ? &*yaml : nullptr;
  const auto settings = std::make_shared<const Settings>(flags.flags, given, read);
  auto made = make_sources(app.sources, app.modules,
                           {settings, read, upstreams(), std::move(ledgers), false});
  if (yaml) yaml->finish();
  return std::move(made.collectors);
}

std::shared_ptr<dbt::ProjectSource> project_of(const std::string& entry,
                                               std::shared_ptr<Ledgers> ledgers) {
  const auto file = Yaml::parse("projects: [{name: shop, " + entry + "}]", "dbt.yml");
  const auto project = file.required("projects").items().at(0);
  const auto settings = std::make_shared<const Settings>(dbt::Selection::flags(), Given{}, nullptr);
  auto made = dbt::kProjects.make({project.required("name").string(), project, settings,
                                   upstreams(), std::move(ledgers), false});
  file.finish();
  return made;
}

std::optional<Error> update(dbt::Follower& follower) {
  try {
    follower.update(Deadline::in(std::chrono::minutes(1)));
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

std::string page_of(const Collector& collector) {
  Samples samples;
  collector.collect(samples, Deadline::in(std::chrono::minutes(1)));
  std::string page;
  samples.render(Format::text, page);
  return page;
}
