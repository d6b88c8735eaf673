#include "common/metric/snapshot.h"

namespace exporter {

const std::string& Snapshot::page(Format format) const {
  auto& form = forms(format);
  std::call_once(form.page_once, [&] { samples_.render(format, form.page); });
  return form.page;
}

const Deflated& Snapshot::deflated(Format format) const {
  auto& form = forms(format);
  std::call_once(form.deflated_once, [&] {
    // The plain page is not kept for its compressed form: most scrapers take only one of them.
    std::string page;
    samples_.render(format, page);
    form.deflated = deflate_blocks(page, level_);
  });
  return form.deflated;
}

}  // namespace exporter
