#include "exporters/dbt/lister.h"

namespace exporter::dbt {

Error Lister::no_artifacts() const {
  const auto why = why_empty();
  return {Reason::io, "no artifacts in " + place + (why.empty() ? "" : ": ") + why};
}

}  // namespace exporter::dbt
