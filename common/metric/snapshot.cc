#include "common/metric/snapshot.h"

namespace exporter {

Snapshot::Snapshot(Samples samples, int level) : samples_(std::move(samples)), level_(level) {}

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

const Deflated& Snapshot::deflated_family(std::size_t index) const {
  std::call_once(families_once_,
                 [&] { families_ = std::make_unique<Family[]>(samples_.families().size()); });
  auto& family = families_[index];
  std::call_once(family.once, [&] {
    family.deflated = deflate_blocks(samples_.families().at(index).lines, level_);
  });
  return family.deflated;
}

}  // namespace exporter
