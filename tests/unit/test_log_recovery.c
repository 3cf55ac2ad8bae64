/* test_log_recovery.c -- what log_open() and readers make of logs that were cut short, mixed up or
 * damaged. */
#include "test_log_support.h"

/* Records of 40 bytes without padding; the n-th (from 1) ends at END(n). */
enum { PAYLOAD = 40, ROOM = 72, COUNT = 20 };
#define END(n) (512 + (off_t)(n)*ROOM)

/* A log of one segment with COUNT records, as a killed process leaves it. */
static void make_log(const struct fixture *f)
{
    struct log_config config = small_config(f);
    struct log *log = open_log(&config);

    for (uint64_t n = 1; n <= COUNT; n++)
        append_one(log, 0, n, PAYLOAD);
    log_close(&log);
    unsettle(f, SMALL);
}

/* What log_open() leaves to be read, after which the log is closed again. */
static size_t recover_and_count(const struct fixture *f, size_t len)
{
    struct log_config config = small_config(f);
    struct log *log = open_log(&config);
    int code;
    size_t count = read_all(f, len, &code);

    assert_int_equal(code, 0);
    assert_int_equal(log_pending(log), count);
    log_close(&log);
    return count;
}

/* Keep the bytes of the first segment, to damage it again and again. */
struct image {
    char name[320];
    char bytes[END(COUNT) + 64];
};

static struct image *take_image(const struct fixture *f)
{
    struct image *image = calloc(1, sizeof(*image));
    struct sequence_list list = list_segments(f);
    int fd = open_segment(f, 0);

    segment_path(f, list.items[0], image->name);
    sequence_list_release(&list);
    assert_int_equal(pread(fd, image->bytes, sizeof(image->bytes), 0), sizeof(image->bytes));
    (void)close(fd);
    return image;
}

static int put_image(const struct image *image)
{
    int fd = open(image->name, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, image->bytes, sizeof(image->bytes), 0), sizeof(image->bytes));
    assert_int_equal(ftruncate(fd, SMALL), 0);
    return fd;
}

static void finds_all_records_of_a_killed_process(void **state)
{
    make_log(*state);
    assert_int_equal(recover_and_count(*state, PAYLOAD), COUNT);
    int fd = open_segment(*state, 0);
    assert_int_equal(size_of(fd), END(COUNT));
    (void)close(fd);
    assert_int_equal(recover_and_count(*state, PAYLOAD), COUNT);
}

static void cuts_a_short_file_to_its_last_whole_record(void **state)
{
    make_log(*state);
    struct image *image = take_image(*state);

    for (off_t at = END(COUNT - 2); at <= END(COUNT); at++) {
        int fd = put_image(image);

        assert_int_equal(ftruncate(fd, at), 0);
        (void)close(fd);
        assert_int_equal(recover_and_count(*state, PAYLOAD), (at - 512) / ROOM);
    }
    free(image);
}

static void cuts_at_the_record_of_which_any_byte_was_changed(void **state)
{
    make_log(*state);
    struct image *image = take_image(*state);

    for (off_t at = END(COUNT - 2); at < END(COUNT); at++) {
        int fd = put_image(image);
        char changed = (char)(image->bytes[at] ^ (1 << (at % 8)));

        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        (void)close(fd);
        assert_int_equal(recover_and_count(*state, PAYLOAD), (at - 512) / ROOM);
    }
    free(image);
}

static void removes_a_segment_of_which_any_byte_of_the_header_was_changed(void **state)
{
    make_log(*state);
    struct image *image = take_image(*state);

    for (off_t at = 0; at < 192; at++) {
        /* A higher version is another matter; bit 0 of the first byte makes it version 0. */
        if (at > 8 && at < 12)
            continue;
        int fd = put_image(image);
        char changed = (char)(image->bytes[at] ^ 1);

        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        (void)close(fd);
        assert_int_equal(recover_and_count(*state, PAYLOAD), 0);
    }
    free(image);
}

static void refuses_a_log_of_a_newer_version(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log;
    struct err err;
    uint32_t version = 2;

    make_log(*state);
    int fd = open_segment(*state, 0);
    assert_int_equal(pwrite(fd, &version, sizeof(version), 8), sizeof(version));
    (void)close(fd);
    assert_int_equal(log_open(&config, &log, &err), ERR_INVALID);
    assert_int_equal(count_segments(*state), 1);
}

/* Three records were one append: none or all. */
static void cuts_a_whole_append_when_its_end_is_missing(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    char payloads[3][PAYLOAD];
    struct log_entry group[3];
    struct err err;

    append_one(log, 0, 1, PAYLOAD);
    for (size_t i = 0; i < 3; i++) {
        make_payload(payloads[i], PAYLOAD, 0, 2 + i);
        group[i] = (struct log_entry){0, {payloads[i], PAYLOAD}};
    }
    assert_int_equal(log_append(log, group, 3, NULL, &err), 0);
    log_close(&log);
    unsettle(*state, SMALL);
    struct image *image = take_image(*state);
    for (off_t at = END(1); at <= END(4); at += 8) {
        int fd = put_image(image);

        assert_int_equal(ftruncate(fd, at), 0);
        (void)close(fd);
        assert_int_equal(recover_and_count(*state, PAYLOAD), at < END(4) ? 1 : 4);
    }
    free(image);
}

/* Bytes of another producer's segment lie behind the last record, at the offsets that they had
 * there. */
static void stale_records_of_another_producer_do_not_pass(void **state)
{
    make_log(*state);
    struct image *old = take_image(*state);
    struct log_config config = small_config(*state);

    assert_int_equal(unlink(old->name), 0);
    struct log *log = open_log(&config);
    for (uint64_t n = 1; n <= 5; n++)
        append_one(log, 0, n, PAYLOAD);
    log_close(&log);
    unsettle(*state, SMALL);
    int fd = open_segment(*state, 0);
    assert_int_equal(pwrite(fd, old->bytes + END(5), (size_t)(END(COUNT) - END(5)), END(5)),
                     END(COUNT) - END(5));
    (void)close(fd);
    assert_int_equal(recover_and_count(*state, PAYLOAD), 5);
    free(old);
}

/* The same producer's first record of another partition, elsewhere in its segment. */
static void a_record_in_another_place_does_not_pass(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    char record[ROOM];

    append_one(log, 0, 1, PAYLOAD);
    append_one(log, 1, 1, PAYLOAD);
    append_one(log, 2, 1, PAYLOAD);
    log_close(&log);
    unsettle(*state, SMALL);
    int fd = open_segment(*state, 0);
    assert_int_equal(pread(fd, record, ROOM, END(2)), ROOM);
    assert_int_equal(pwrite(fd, record, ROOM, END(1)), ROOM);
    (void)close(fd);
    assert_int_equal(recover_and_count(*state, PAYLOAD), 1);
}

/* -- several segments -- */

/* 4,091 records of 128 bytes fit into a segment (see test_log.c). */
enum { PER_SEGMENT = 4091, P128 = 128 - HEAD };

/* Three segments of one producer. */
static void make_three(const struct fixture *f)
{
    struct log_config config = small_config(f);
    struct log *log = open_log(&config);

    for (uint64_t n = 1; n <= 2 * PER_SEGMENT + 10; n++)
        append_one(log, 0, n, P128);
    log_close(&log);
}

static void damage(const struct fixture *f, size_t segment, off_t at)
{
    int fd = open_segment(f, segment);
    char byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 4);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static void removes_the_segments_behind_a_cut(void **state)
{
    make_three(*state);
    unsettle(*state, SMALL);
    damage(*state, 0, 512 + 1000 * 128 + 40);
    assert_int_equal(recover_and_count(*state, P128), 1000);
    assert_int_equal(count_segments(*state), 1);
}

static void removes_the_segments_behind_a_lost_first_record(void **state)
{
    make_three(*state);
    unsettle(*state, SMALL);
    damage(*state, 1, 512 + 40);
    assert_int_equal(recover_and_count(*state, P128), PER_SEGMENT);
    assert_int_equal(count_segments(*state), 1);
}

static void removes_the_segments_behind_a_lost_header(void **state)
{
    make_three(*state);
    unsettle(*state, SMALL);
    damage(*state, 1, 30);
    assert_int_equal(recover_and_count(*state, P128), PER_SEGMENT);
    assert_int_equal(count_segments(*state), 1);
}

/* A whole segment's worth of records was published in memory, and its pages never reached the disk.
 */
static void removes_the_segments_behind_one_that_ends_early(void **state)
{
    static const char zero[128];

    make_three(*state);
    unsettle(*state, SMALL);
    int fd = open_segment(*state, 1);
    assert_int_equal(pwrite(fd, zero, 128, 512 + (PER_SEGMENT - 1) * 128), 128);
    (void)close(fd);
    assert_int_equal(recover_and_count(*state, P128), 2 * PER_SEGMENT - 1);
    assert_int_equal(count_segments(*state), 2);
}

/* Released segments were removed: what follows stays, with its numbers. */
static void keeps_what_follows_a_segment_that_is_gone(void **state)
{
    struct log_config config = small_config(*state);
    struct log_record record;
    struct err err;
    char path[320];
    uint64_t n = PER_SEGMENT;

    make_three(*state);
    unsettle(*state, SMALL);
    struct sequence_list list = list_segments(*state);
    segment_path(*state, list.items[0], path);
    sequence_list_release(&list);
    assert_int_equal(unlink(path), 0);
    struct log *log = open_log(&config);
    assert_int_equal(log_pending(log), PER_SEGMENT + 10);
    struct log_reader *reader = open_reader(*state);
    while (log_reader_next(reader, &record, &err) == 1)
        assert_int_equal(record.position.number, ++n);
    assert_int_equal(n, 2 * PER_SEGMENT + 10);
    log_reader_close(&reader);
    log_close(&log);
}

static void a_cut_leaves_the_next_producer_alone(void **state)
{
    struct log_config config = small_config(*state);

    make_three(*state);
    struct log *log = open_log(&config);
    for (uint64_t n = 1; n <= 7; n++)
        append_one(log, 4, n, P128);
    log_close(&log);
    unsettle(*state, SMALL);
    damage(*state, 1, 512 + 40);
    assert_int_equal(recover_and_count(*state, P128), PER_SEGMENT + 7);
    assert_int_equal(count_segments(*state), 2);
}

static void removes_what_holds_no_record(void **state)
{
    struct log_config config = small_config(*state);
    char path[320];

    make_log(*state);
    /* A segment made ahead, and one of which only the header was written. */
    struct sequence_list list = list_segments(*state);
    segment_path(*state, list.items[0] + 2, path);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, SMALL), 0);
    (void)close(fd);
    struct segment_header header;
    uint64_t first[PARTITIONS];
    for (size_t p = 0; p < PARTITIONS; p++)
        first[p] = p == 0 ? COUNT + 1 : 1;
    fd = open_segment(*state, 0);
    assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
    (void)close(fd);
    segment_header_init(&header, list.items[0] + 1, SMALL, &header.producer, first, 1);
    segment_path(*state, list.items[0] + 1, path);
    sequence_list_release(&list);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
    assert_int_equal(ftruncate(fd, SMALL), 0);
    (void)close(fd);

    assert_int_equal(count_segments(*state), 3);
    assert_int_equal(recover_and_count(*state, PAYLOAD), COUNT);
    assert_int_equal(count_segments(*state), 1);
    struct log *log = open_log(&config);
    log_close(&log);
}

/* -- readers -- */

static void a_reader_finds_damage_in_an_earlier_run_corrupt(void **state)
{
    struct log_config config = small_config(*state);
    int code;

    make_log(*state);
    assert_int_equal(recover_and_count(*state, PAYLOAD), COUNT);
    damage(*state, 0, END(7) + 50);
    assert_int_equal(read_all(*state, PAYLOAD, &code), 7);
    assert_int_equal(code, ERR_CORRUPT);

    struct log *log = open_log(&config);
    append_one(log, 0, 1, PAYLOAD);
    assert_int_equal(read_all(*state, PAYLOAD, &code), 7);
    assert_int_equal(code, ERR_CORRUPT);
    log_close(&log);
}

static void a_reader_finds_a_missing_record_in_an_earlier_run_corrupt(void **state)
{
    static const char zero[ROOM];
    int code;

    make_log(*state);
    assert_int_equal(recover_and_count(*state, PAYLOAD), COUNT);
    int fd = open_segment(*state, 0);
    assert_int_equal(pwrite(fd, zero, ROOM, END(COUNT - 1)), ROOM);
    (void)close(fd);
    assert_int_equal(read_all(*state, PAYLOAD, &code), COUNT - 1);
    assert_int_equal(code, ERR_CORRUPT);
}

static void a_reader_waits_for_a_bad_record_of_the_running_producer(void **state)
{
    struct log_config config = small_config(*state);
    struct log *log = open_log(&config);
    struct log_reader *reader = open_reader(*state);
    struct log_record record;
    struct err err;

    append_one(log, 0, 1, PAYLOAD);
    append_one(log, 0, 2, PAYLOAD);
    damage(*state, 0, END(1) + 50);
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    damage(*state, 0, END(1) + 50);
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_true(payload_is(record.payload, PAYLOAD, 0, 2));
    log_reader_close(&reader);
    log_close(&log);
}

/* It stands at the end of a killed run; recovery cuts the file under it, and it goes on with the
 * next run. */
static void a_reader_goes_on_behind_a_segment_that_is_recovered(void **state)
{
    struct log_config config = small_config(*state);
    struct log_reader *reader = open_reader(*state);
    struct log_record record;
    struct err err;

    make_log(*state);
    for (uint64_t n = 1; n <= COUNT; n++)
        assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    struct log *log = open_log(&config);
    append_one(log, 6, 1, PAYLOAD);
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_true(payload_is(record.payload, PAYLOAD, 6, 1));
    log_reader_close(&reader);
    log_close(&log);
}

/* The same for one in a segment that recovery removes. */
static void a_reader_goes_on_behind_a_segment_that_is_removed(void **state)
{
    struct log_config config = small_config(*state);
    struct log_reader *reader = open_reader(*state);
    struct log_record record;
    struct err err;

    make_log(*state);
    int fd = open_segment(*state, 0);
    assert_int_equal(ftruncate(fd, 512), 0);
    assert_int_equal(ftruncate(fd, SMALL), 0);
    (void)close(fd);
    assert_int_equal(log_reader_next(reader, &record, &err), 0);
    struct log *log = open_log(&config);
    append_one(log, 6, 1, PAYLOAD);
    assert_int_equal(log_reader_next(reader, &record, &err), 1);
    assert_true(payload_is(record.payload, PAYLOAD, 6, 1));
    log_reader_close(&reader);
    log_close(&log);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(finds_all_records_of_a_killed_process),
        T(cuts_a_short_file_to_its_last_whole_record),
        T(cuts_at_the_record_of_which_any_byte_was_changed),
        T(removes_a_segment_of_which_any_byte_of_the_header_was_changed),
        T(refuses_a_log_of_a_newer_version),
        T(cuts_a_whole_append_when_its_end_is_missing),
        T(stale_records_of_another_producer_do_not_pass),
        T(a_record_in_another_place_does_not_pass),
        T(removes_the_segments_behind_a_cut),
        T(removes_the_segments_behind_a_lost_first_record),
        T(removes_the_segments_behind_a_lost_header),
        T(removes_the_segments_behind_one_that_ends_early),
        T(keeps_what_follows_a_segment_that_is_gone),
        T(a_cut_leaves_the_next_producer_alone),
        T(removes_what_holds_no_record),
        T(a_reader_finds_damage_in_an_earlier_run_corrupt),
        T(a_reader_finds_a_missing_record_in_an_earlier_run_corrupt),
        T(a_reader_waits_for_a_bad_record_of_the_running_producer),
        T(a_reader_goes_on_behind_a_segment_that_is_recovered),
        T(a_reader_goes_on_behind_a_segment_that_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
