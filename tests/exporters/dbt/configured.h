#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifacts.h"
#include "exporters/dbt/follower.h"
#include "exporters/dbt/projects.h"

/// The flags of a test, by name.
using Given = std::map<std::string, std::vector<std::string>>;

/// The collectors that dbt_exporter makes from the text of a configuration file, unless it is
/// empty, and from flags.
std::vector<exporter::Collector> collectors_of(const std::string& file, const Given& given,
                                               std::shared_ptr<exporter::Ledgers> ledgers);

/// The project, named shop, of an entry in the list of projects, "url: http://a, proxy: b".
std::shared_ptr<exporter::dbt::ProjectSource> project_of(
    const std::string& entry,
    std::shared_ptr<exporter::Ledgers> ledgers = std::make_shared<exporter::Ledgers>(""));

/// Updates the follower. Returns the error that it throws, if any.
std::optional<exporter::Error> update(exporter::dbt::Follower& follower);

/// The page of one run of the collector.
std::string page_of(const exporter::Collector& collector);
