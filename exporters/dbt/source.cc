#include "exporters/dbt/source.h"

#include "common/base/log.h"

namespace exporter::dbt {

Source telling(Source source, std::string place) {
  return [source = std::move(source), place = std::move(place),
          is_empty = false](const Deadline& deadline) mutable {
    auto found = source(deadline);
    if (found.empty() == is_empty) return found;
    is_empty = found.empty();
    if (is_empty) {
      log::warn("no artifacts there", {{"place", place}});
    } else {
      log::info("artifacts are there again", {{"place", place}});
    }
    return found;
  };
}

}  // namespace exporter::dbt
