// superintervals' own C++, driven without Python: reads chromosomes as int32 arrays, prints the
// seconds of building, of enumerating all hits and of counting them, and writes the hits.
//
//     native plain|eytzinger INPUT OUTPUT
//
// Input, for each chromosome: n, m, starts[n], ends[n], ids[n], starts[m], ends[m]; ends included.
// Output: int64 hits of each query, then the int32 ids, and the int64 counts.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "superintervals.hpp"

using Numbers = std::vector<int32_t>;

struct Chromosome {
    std::unique_ptr<si::IntervalMap<int32_t, int32_t>> map;
    Numbers starts, ends, ids, query_starts, query_ends;
};

static Numbers take(FILE* file, size_t n) {
    Numbers numbers(n);
    if (n && fread(numbers.data(), 4, n, file) != n) exit(1);
    return numbers;
}

template <typename Work>
static void clock_of(const char* name, Work work) {
    auto began = std::chrono::steady_clock::now();
    work();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    printf("%s %.9f\n", name, took.count());
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const bool eytzinger = std::string(argv[1]) == "eytzinger";
    FILE* input = fopen(argv[2], "rb");
    if (!input) return 1;
    std::vector<Chromosome> chromosomes;
    size_t n_queries = 0;
    int32_t sizes[2];
    while (fread(sizes, 4, 2, input) == 2) {
        Chromosome c;
        c.starts = take(input, sizes[0]);
        c.ends = take(input, sizes[0]);
        c.ids = take(input, sizes[0]);
        c.query_starts = take(input, sizes[1]);
        c.query_ends = take(input, sizes[1]);
        n_queries += sizes[1];
        chromosomes.push_back(std::move(c));
    }
    clock_of("build", [&] {
        for (Chromosome& c : chromosomes) {
            if (eytzinger) c.map = std::make_unique<si::IntervalMapEytz<int32_t, int32_t>>();
            else c.map = std::make_unique<si::IntervalMap<int32_t, int32_t>>();
            c.map->reserve(c.starts.size());
            for (size_t i = 0; i < c.starts.size(); ++i) c.map->add(c.starts[i], c.ends[i], c.ids[i]);
            c.map->build();
        }
    });
    std::vector<int64_t> hits(n_queries), counts(n_queries);
    Numbers ids;
    clock_of("overlaps", [&] {
        size_t row = 0;
        for (Chromosome& c : chromosomes)
            for (size_t i = 0; i < c.query_starts.size(); ++i) {
                const size_t before = ids.size();
                c.map->search_values(c.query_starts[i], c.query_ends[i], ids);
                hits[row++] = ids.size() - before;
            }
    });
    clock_of("count", [&] {
        size_t row = 0;
        for (Chromosome& c : chromosomes)
            for (size_t i = 0; i < c.query_starts.size(); ++i)
                counts[row++] = c.map->count(c.query_starts[i], c.query_ends[i]);
    });
    if (std::strcmp(argv[3], "-") == 0) return 0;
    FILE* output = fopen(argv[3], "wb");
    if (!output) return 1;
    fwrite(hits.data(), 8, hits.size(), output);
    fwrite(ids.data(), 4, ids.size(), output);
    fwrite(counts.data(), 8, counts.size(), output);
    return fclose(output);
}
