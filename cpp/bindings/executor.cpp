// Checks what Python hands over, drops the interpreter lock, and calls the executor.
#include "program/executor.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <stdexcept>

#include "bindings/module.hpp"
#include "bindings/unlocked.hpp"

namespace nb = nanobind;

namespace evenly {
namespace {

using Bytes = nb::ndarray<std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
// Rows of any element type: the program knows what they mean.
using ReadRows = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using WriteRows = nb::ndarray<nb::c_contig, nb::device::cpu>;
using Order = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
// Those of struct StepNumbers, a row a step.
using Steps = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Records = nb::ndarray<double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// (operation, {buffer: (region, offset, bytes)}, {number: value})
using Place = std::tuple<int, std::int64_t, std::int64_t>;
using Line = std::tuple<std::string, std::map<std::string, Place>, std::map<std::string, double>>;
using Lists = std::map<std::string, std::vector<Line>>;

std::byte* bytes(const Bytes& array) {
  return reinterpret_cast<std::byte*>(array.data());
}

template <class Array>
std::int64_t row_count(const Array& array) {
  return array.ndim() == 0 ? 0 : static_cast<std::int64_t>(array.shape(0));
}

template <class Array>
std::int64_t row_bytes(const Array& array) {
  auto bytes = static_cast<std::int64_t>(array.itemsize());
  for (std::size_t axis = 1; axis < array.ndim(); ++axis)
    bytes *= static_cast<std::int64_t>(array.shape(axis));
  return bytes;
}

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

// The executor, and the two arenas that it keeps alive.
class BoundExecutor {
 public:
  BoundExecutor(const Lists& lists, bool is_double, const std::string& isa, Bytes state, Bytes work,
                const Place& scalars, const std::optional<Place>& gathered_input,
                const std::optional<Place>& gathered_target,
                const std::optional<Place>& gathered_weights,
                const std::optional<Place>& gathered_lengths, std::int32_t classes,
                std::optional<std::int32_t> ignored)
      : state_(std::move(state)),
        work_(std::move(work)),
        gathered_input_(gathered_input),
        gathered_target_(gathered_target),
        gathered_weights_(gathered_weights),
        gathered_lengths_(gathered_lengths),
        real_bytes_(is_double ? 8 : 4),
        classes_(classes),
        ignored_(ignored),
        executor_(resolve(lists), is_double, isa, static_cast<Scalars*>(find(scalars).fixed)) {}

  void run(const std::string& list, std::size_t begin, std::size_t end,
           std::optional<ReadRows> input, std::optional<ReadRows> target,
           std::optional<ReadRows> output_gradient, const std::optional<ReadRows>& weights,
           const std::optional<ReadRows>& lengths, std::int64_t rows, std::uint64_t seed,
           std::uint64_t step, const Steps& numbers, int threads) {
    check_threads(threads);
    const Batch batch =
        checked(input, target, output_gradient, weights, lengths, rows, seed, step, numbers);
    unlocked([&] { executor_.run(list, begin, end, batch, threads); });
  }

  // (tasks, seconds) of each phase of an instruction; see Executor::phases.
  std::vector<std::tuple<std::int64_t, double>> phases(
      const std::string& list, std::size_t number, std::optional<ReadRows> input,
      std::optional<ReadRows> target, std::optional<ReadRows> output_gradient,
      const std::optional<ReadRows>& weights, const std::optional<ReadRows>& lengths,
      std::int64_t rows, std::uint64_t seed, std::uint64_t step, const Steps& numbers) {
    const Batch batch =
        checked(input, target, output_gradient, weights, lengths, rows, seed, step, numbers);
    std::vector<std::tuple<std::int64_t, double>> found;
    unlocked([&] {
      for (const Phase& phase : executor_.phases(list, number, batch))
        found.emplace_back(phase.tasks, phase.seconds);
    });
    return found;
  }

  std::tuple<std::int64_t, bool, bool> train(const ReadRows& input, const ReadRows& target,
                                             const std::optional<ReadRows>& weights,
                                             const std::optional<ReadRows>& lengths,
                                             const std::optional<Order>& order, std::int64_t rows,
                                             std::int64_t batch_rows, std::int64_t first_batch,
                                             std::int64_t last_batch, std::uint64_t seed,
                                             std::uint64_t first_step, const Steps& numbers,
                                             const Records& records, double seconds, int threads) {
    check_threads(threads);
    require(batch_rows >= 1 && rows >= 1, "a pass has at least one row");
    require(first_batch >= 0 && first_batch <= last_batch && (last_batch - 1) * batch_rows < rows,
            "the batches lie outside the pass");
    const auto batches = static_cast<std::size_t>(last_batch - first_batch);
    require(records.shape(0) >= batches && records.shape(1) == kRecord,
            "one row of records a batch is needed");
    require(row_count(input) == row_count(target), "input and target differ in rows");
    check_classes(target);
    check_sides(weights, lengths, row_count(input));
    if (order) {
      require(static_cast<std::int64_t>(order->shape(0)) >= rows, "the order has too few rows");
      for (std::int64_t i = 0; i < rows; ++i)
        require(order->data()[i] >= 0 && order->data()[i] < row_count(input),
                "the order names a row that does not exist");
    } else {
      require(row_count(input) >= rows, "the input has too few rows");
    }
    TrainingRun run;
    run.input = source(input, gathered_input_, batch_rows);
    run.target = source(target, gathered_target_, batch_rows);
    if (weights) run.weights = source(*weights, gathered_weights_, batch_rows);
    if (lengths) run.lengths = source(*lengths, gathered_lengths_, batch_rows);
    run.order = order ? order->data() : nullptr;
    run.rows = rows;
    run.batch_rows = batch_rows;
    run.first_batch = first_batch;
    run.last_batch = last_batch;
    run.seed = seed;
    run.first_step = first_step;
    run.numbers = step_numbers(numbers, batches);
    run.records = records.data();
    run.seconds = seconds;
    TrainingEnd end;
    unlocked([&] { end = executor_.train(run, threads); });
    return {end.steps, end.failed, end.overflowed};
  }

  // One step on one batch: what train does, for callers that bring a batch at a time.
  std::tuple<std::array<double, kRecord>, bool, bool> step(const ReadRows& input,
                                                           const ReadRows& target,
                                                           const std::optional<ReadRows>& weights,
                                                           const std::optional<ReadRows>& lengths,
                                                           std::uint64_t seed, std::uint64_t step,
                                                           const Steps& numbers, int threads) {
    check_threads(threads);
    const std::int64_t rows = row_count(input);
    require(rows >= 1 && row_count(target) == rows, "input and target differ in rows");
    check_classes(target);
    check_sides(weights, lengths, rows);
    std::array<double, kRecord> record{};
    TrainingRun run;
    run.input = source(input, gathered_input_, rows);
    run.target = source(target, gathered_target_, rows);
    if (weights) run.weights = source(*weights, gathered_weights_, rows);
    if (lengths) run.lengths = source(*lengths, gathered_lengths_, rows);
    run.rows = run.batch_rows = rows;
    run.last_batch = 1;
    run.seed = seed;
    run.first_step = step;
    run.numbers = step_numbers(numbers, 1);
    run.records = record.data();
    TrainingEnd end;
    unlocked([&] { end = executor_.train(run, threads); });
    return {record, end.failed, end.overflowed};
  }

  void predict(const ReadRows& input, const std::optional<ReadRows>& lengths,
               std::int64_t batch_rows, const Place& scores, const WriteRows& output, int threads) {
    check_threads(threads);
    check_sides(std::nullopt, lengths, row_count(input));
    require(batch_rows >= 1, "a batch has at least one row");
    require(row_count(input) == row_count(output), "input and output differ in rows");
    const std::byte* from = static_cast<std::byte*>(find(scores).fixed);
    auto* to = reinterpret_cast<std::byte*>(output.data());
    const Rows rows = source(input, std::nullopt, 0);
    const Rows steps = lengths ? source(*lengths, std::nullopt, 0) : Rows{};
    for (std::int64_t done = 0; done < row_count(input); check_signals())
      unlocked([&] {
        done = executor_.predict(rows, steps, done, row_count(input), batch_rows, from, to,
                                 row_bytes(output), threads);
      });
  }

  std::tuple<double, double, double> evaluate(const ReadRows& input, const ReadRows& target,
                                              const std::optional<ReadRows>& weights,
                                              const std::optional<ReadRows>& lengths,
                                              std::int64_t batch_rows, int threads) {
    check_threads(threads);
    require(batch_rows >= 1, "a batch has at least one row");
    require(row_count(input) == row_count(target) && row_count(input) > 0,
            "input and target differ in rows, or have none");
    check_classes(target);
    check_sides(weights, lengths, row_count(input));
    TrainingRun run;
    run.input = source(input, std::nullopt, 0);
    run.target = source(target, std::nullopt, 0);
    if (weights) run.weights = source(*weights, std::nullopt, 0);
    if (lengths) run.lengths = source(*lengths, std::nullopt, 0);
    run.rows = row_count(input);
    run.batch_rows = batch_rows;
    EvaluationSums sums;
    for (; sums.rows < run.rows; check_signals())
      unlocked([&] { executor_.evaluate(run, sums, threads); });
    return {sums.weight > 0 ? sums.loss / sums.weight : sums.loss, sums.score, sums.scored};
  }

 private:
  Batch checked(const std::optional<ReadRows>& input, const std::optional<ReadRows>& target,
                const std::optional<ReadRows>& output_gradient,
                const std::optional<ReadRows>& weights, const std::optional<ReadRows>& lengths,
                std::int64_t rows, std::uint64_t seed, std::uint64_t step,
                const Steps& numbers) const {
    check_sides(weights, lengths, rows);
    const StepNumbers* own = step_numbers(numbers, 1);
    const auto pointer = [rows](const std::optional<ReadRows>& array) -> const void* {
      if (!array) return nullptr;
      require(row_count(*array) >= rows, "an array has too few rows");
      return array->data();
    };
    return Batch{rows,
                 seed,
                 step,
                 *own,
                 pointer(input),
                 pointer(target),
                 pointer(output_gradient),
                 pointer(weights),
                 static_cast<const std::int32_t*>(pointer(lengths))};
  }

  // One row of numbers for each of some steps.
  static const StepNumbers* step_numbers(const Steps& numbers, std::size_t steps) {
    static_assert(sizeof(StepNumbers) == kStepNumbers * sizeof(double));
    require(numbers.shape(1) == kStepNumbers && numbers.shape(0) >= steps,
            "each step needs its row of numbers");
    for (std::size_t step = 0; step < steps; ++step)
      for (const std::size_t whole : {3, 7, 8, 9, 10})
        require(numbers(step, whole) >= 0 && numbers(step, whole) < 9e15,
                "shifts and columns must be at least 0");
    return reinterpret_cast<const StepNumbers*>(numbers.data());
  }

  static void check_threads(int threads) {
    require(threads >= 1 && threads <= 1024, "threads must lie between 1 and 1024");
  }

  // Sample weights and sequence lengths: one number a row.
  void check_sides(const std::optional<ReadRows>& weights, const std::optional<ReadRows>& lengths,
                   std::int64_t rows) const {
    if (weights)
      require(row_count(*weights) >= rows && row_bytes(*weights) == real_bytes_,
              "sample weights must be one number a row, of the program's type");
    if (lengths)
      require(row_count(*lengths) >= rows && row_bytes(*lengths) == sizeof(std::int32_t),
              "lengths must be one int32 a row");
  }

  // A class number is an index: it is checked before a kernel trusts it. 0 classes: no check.
  void check_classes(const ReadRows& target) const {
    if (classes_ == 0 || row_count(target) == 0) return;
    require(target.itemsize() == sizeof(std::int32_t), "class numbers must be int32");
    const auto* values = reinterpret_cast<const std::int32_t*>(target.data());
    for (std::size_t i = 0; i < target.size(); ++i)
      require((values[i] >= 0 && values[i] < classes_) || (ignored_ && values[i] == *ignored_),
              "a class number has no score of its own");
  }

  // A place in an arena, checked against the arena's size.
  Slot find(const Place& place) const {
    const auto [region, offset, size] = place;
    require(region >= 0 && region <= static_cast<int>(Region::lengths),
            "a buffer lies in no known region");
    const auto where = static_cast<Region>(region);
    if (where != Region::state && where != Region::work) return {nullptr, where, true};
    const Bytes& arena = where == Region::state ? state_ : work_;
    require(offset >= 0 && size >= 0 && offset % 64 == 0 &&
                offset + size <= static_cast<std::int64_t>(arena.shape(0)),
            "a buffer lies outside its arena");
    return {bytes(arena) + offset, where, true};
  }

  Rows source(const ReadRows& array, const std::optional<Place>& gathered,
              std::int64_t batch_rows) const {
    Rows rows;
    rows.data = reinterpret_cast<const std::byte*>(array.data());
    rows.bytes = row_bytes(array);
    if (gathered) {
      require(rows.bytes * batch_rows <= std::get<2>(*gathered),
              "a batch is larger than the program was planned for");
      rows.gathered = static_cast<std::byte*>(find(*gathered).fixed);
    }
    return rows;
  }

  Executor::Lists resolve(const Lists& lists) const {
    Executor::Lists resolved;
    for (const auto& [name, lines] : lists) {
      auto& instructions = resolved[name];
      for (const auto& [operation, places, numbers] : lines) {
        Instruction instruction;
        instruction.operation = operation;
        instruction.numbers = numbers;
        for (const auto& [buffer, place] : places) instruction.slots[buffer] = find(place);
        instructions.push_back(std::move(instruction));
      }
    }
    return resolved;
  }

  Bytes state_, work_;
  std::optional<Place> gathered_input_, gathered_target_, gathered_weights_, gathered_lengths_;
  std::int64_t real_bytes_;
  std::int32_t classes_;
  std::optional<std::int32_t> ignored_;  // a number that stands for no class
  Executor executor_;
};

}  // namespace

void bind_executor(nb::module_& module) {
  nb::class_<BoundExecutor>(module, "Executor",
                            "Runs the instruction lists of a program on two arenas of bytes.")
      .def(nb::init<const Lists&, bool, const std::string&, Bytes, Bytes, const Place&,
                    const std::optional<Place>&, const std::optional<Place>&,
                    const std::optional<Place>&, const std::optional<Place>&, std::int32_t,
                    std::optional<std::int32_t>>(),
           nb::arg("lists"), nb::arg("is_double"), nb::arg("isa"), nb::arg("state"),
           nb::arg("work"), nb::arg("scalars"), nb::arg("gathered_input").none(),
           nb::arg("gathered_target").none(), nb::arg("gathered_weights").none(),
           nb::arg("gathered_lengths").none(), nb::arg("classes"), nb::arg("ignored").none())
      .def("run", &BoundExecutor::run, nb::arg("list"), nb::arg("begin"), nb::arg("end"),
           nb::arg("input").none(), nb::arg("target").none(), nb::arg("output_gradient").none(),
           nb::arg("weights").none(), nb::arg("lengths").none(), nb::arg("rows"), nb::arg("seed"),
           nb::arg("step"), nb::arg("numbers"), nb::arg("threads"),
           "Runs instructions [begin, end) of a list on one batch.")
      .def("phases", &BoundExecutor::phases, nb::arg("list"), nb::arg("number"),
           nb::arg("input").none(), nb::arg("target").none(), nb::arg("output_gradient").none(),
           nb::arg("weights").none(), nb::arg("lengths").none(), nb::arg("rows"), nb::arg("seed"),
           nb::arg("step"), nb::arg("numbers"),
           "Runs one instruction on one thread. Returns (tasks, seconds) of each of its phases,\n"
           "which end where a team would meet: how many things the team would share, and how long\n"
           "all of them took.")
      .def("train", &BoundExecutor::train, nb::arg("input"), nb::arg("target"),
           nb::arg("weights").none(), nb::arg("lengths").none(), nb::arg("order").none(),
           nb::arg("rows"), nb::arg("batch_rows"), nb::arg("first_batch"), nb::arg("last_batch"),
           nb::arg("seed"), nb::arg("first_step"), nb::arg("numbers"), nb::arg("records"),
           nb::arg("seconds"), nb::arg("threads"),
           "Runs training steps until the last batch, the time, or a step that is not finite.\n"
           "Returns the number of finished steps, whether the next one failed, and whether the "
           "last\n"
           "one's update has made a parameter that is not finite.")
      .def("step", &BoundExecutor::step, nb::arg("input"), nb::arg("target"),
           nb::arg("weights").none(), nb::arg("lengths").none(), nb::arg("seed"), nb::arg("step"),
           nb::arg("numbers"), nb::arg("threads"),
           "Runs one step. Returns its record (loss, score, penalty, gradient norm, weight, scored "
           "examples), whether it failed, and whether its update overflowed.")
      .def("predict", &BoundExecutor::predict, nb::arg("input"), nb::arg("lengths").none(),
           nb::arg("batch_rows"), nb::arg("scores"), nb::arg("output"), nb::arg("threads"),
           "Writes the scores of every input row into output.")
      .def("evaluate", &BoundExecutor::evaluate, nb::arg("input"), nb::arg("target"),
           nb::arg("weights").none(), nb::arg("lengths").none(), nb::arg("batch_rows"),
           nb::arg("threads"),
           "Returns the mean loss, the sum of scores, and how many examples count in it.");
}

}  // namespace evenly
