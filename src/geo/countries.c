/*
 * geo/countries.c -- the codes of countries: ISO 3166-1 alpha-2, and XK, which the standard leaves
 * to its users and all use for Kosovo.
 *
 * Tables of addresses know more: EU and AP for ranges of many countries, codes of states that are
 * no more. Those are no country here, so that the dimension has at most these values.
 */
#include "geo/geo_internal.h"

static const char codes[] =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ"
    "CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFR"
    "GAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJP"
    "KEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMT"
    "MUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW"
    "SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZ"
    "VAVCVEVGVIVNVUWFWSXKYEYTZAZMZW";
enum { CODE_LEN = 2, LETTERS = 26, COUNTRIES = (sizeof(codes) - 1) / CODE_LEN };
_Static_assert(COUNTRIES == 250, "249 of the standard and one more");

struct str country_code(uint8_t number)
{
    if (number == 0 || number > COUNTRIES)
        return STR("");
    return (struct str){codes + (size_t)(number - 1) * CODE_LEN, CODE_LEN};
}

void country_map_init(struct country_map *map)
{
    *map = (struct country_map){{0}};
    for (unsigned i = 1; i <= COUNTRIES; i++) {
        struct str code = country_code((uint8_t)i);

        map->numbers[(code.ptr[0] - 'A') * LETTERS + code.ptr[1] - 'A'] = (uint8_t)i;
    }
}

static bool is_letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

uint8_t country_number(const struct country_map *map, struct str code)
{
    if (code.len != CODE_LEN || !is_letter(code.ptr[0]) || !is_letter(code.ptr[1]))
        return 0;
    return map->numbers[(code.ptr[0] - 'A') * LETTERS + code.ptr[1] - 'A'];
}

bool geo_is_country(struct str code)
{
    for (unsigned i = 1; i <= COUNTRIES; i++)
        if (str_eq(code, country_code((uint8_t)i)))
            return true;
    return false;
}
