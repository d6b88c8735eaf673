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
    // The plain page is not kept if only its compressed form is needed: most scrapers request only
    // one of them.
    std::string page;
    samples_.render(format, page);
    form.deflated = deflate_blocks(page, level_);
  });
  return form.deflated;
}

Snapshot::Family& Snapshot::family(std::size_t index, bool with_exemplars) const {
  const auto count = samples_.families().size();
  std::call_once(families_once_, [&] { families_ = std::make_unique<Family[]>(2 * count); });
  return families_[with_exemplars ? count + index : index];
}

const std::string& Snapshot::lines_with_exemplars(std::size_t index) const {
  auto& form = family(index, true);
  std::call_once(form.lines_once, [&] { form.lines = samples_.lines_with_exemplars(index); });
  return form.lines;
}

/// Both formats share the compressed form of a family without exemplars.
const Deflated& Snapshot::deflated_family(std::size_t index, Format format) const {
  const auto all = samples_.families();
  const bool with_exemplars = all.at(index).has_exemplars && format == Format::openmetrics;
  auto& form = family(index, with_exemplars);
  std::call_once(form.deflated_once, [&] {
    const std::string_view lines =
        with_exemplars ? lines_with_exemplars(index) : all.at(index).lines;
    form.deflated = deflate_blocks(lines, level_);
  });
  return form.deflated;
}

}  // namespace exporter
