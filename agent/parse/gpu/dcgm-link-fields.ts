// DCGM's fields of NVLink: rates and errors of one link or of all. dcgm_fields.h; names of 4.6 beside the older ones.
import { countField, ignoredField, levelField, type DcgmField, type DcgmPlace } from './dcgm-field.ts';
import { columnOf, type GpuColumn } from './sheet.ts';
import { rateOf } from './dcgm-value.ts';

const ALL = 'all';
const LINKS = Array.from({ length: 18 }, (_, link) => link);
const byte = rateOf(1);
const megabyte = rateOf(1_000_000);

const sent = (link: string) => columnOf('gpu_nvlink_tx_bytes_per_second', { link });
const received = (link: string) => columnOf('gpu_nvlink_rx_bytes_per_second', { link });

/** The ids of the links of one kind lie in four places. */
interface ErrorKind {
  readonly word: string;
  readonly kind: 'crc_flit' | 'crc_data' | 'replay' | 'recovery';
  /** Ids of links 0, 6 and 15; links 12 to 14 follow those of 0 to 5, and then the total. */
  readonly first: readonly [number, number, number];
  readonly perLink: number;
}

const errorKinds: readonly ErrorKind[] = [
  { word: 'CRC_FLIT', kind: 'crc_flit', first: [400, 451, 481], perLink: 1525 },
  { word: 'CRC_DATA', kind: 'crc_data', first: [410, 457, 484], perLink: 1526 },
  { word: 'REPLAY', kind: 'replay', first: [420, 463, 487], perLink: 1527 },
  { word: 'RECOVERY', kind: 'recovery', first: [430, 469, 491], perLink: 1528 },
];

export const linkFields: readonly DcgmField[] = [
  ...errorKinds.flatMap(errorFields),
  countField(1220, 'NVLINK_ECC_DATA_ERROR_COUNT_TOTAL NVLINK_ECC_ERROR_TOTAL', errors('ecc', ALL)),
  ...LINKS.flatMap(rateFields),
  levelField(843, 'NVLINK_TX_BANDWIDTH_TOTAL NVLINK_TX_THROUGHPUT_TOTAL', sent(ALL), megabyte, 2),
  levelField(897, 'NVLINK_RX_BANDWIDTH_TOTAL NVLINK_RX_THROUGHPUT_TOTAL', received(ALL), megabyte, 2),
  levelField(1011, 'DCGM_FI_PROF_NVLINK_TX_BYTES', ofLinkOrAll(sent), byte),
  levelField(1012, 'DCGM_FI_PROF_NVLINK_RX_BYTES', ofLinkOrAll(received), byte),
  levelField(1530, 'NVLINK_TX_THROUGHPUT_PER_LINK', ofLink(sent), megabyte, 1),
  levelField(1531, 'NVLINK_RX_THROUGHPUT_PER_LINK', ofLink(received), megabyte, 1),
  levelField(1532, 'DCGM_FI_PROF_NVLINK_TX_BYTES_PER_LINK', ofLink(sent), byte),
  levelField(1533, 'DCGM_FI_PROF_NVLINK_RX_BYTES_PER_LINK', ofLink(received), byte),
  countField(
    1201,
    'NVLINK_COUNT_TX_BYTES NVLINK_TX_BYTES_TOTAL',
    ofLinkOrAll((link) => columnOf('gpu_nvlink_tx_bytes_total', { link })),
  ),
  countField(
    1203,
    'NVLINK_COUNT_RX_BYTES NVLINK_RX_BYTES_TOTAL',
    ofLinkOrAll((link) => columnOf('gpu_nvlink_rx_bytes_total', { link })),
  ),
  // Both directions added up, in MB/s although dcgm-exporter calls it a counter: no column of ours says that.
  ignoredField(449, 'NVLINK_BANDWIDTH_TOTAL NVLINK_THROUGHPUT_TOTAL'),
  ignoredField(1529, 'NVLINK_THROUGHPUT_PER_LINK'),
];

function errorFields({ word, kind, first: [low, middle, high], perLink }: ErrorKind): readonly DcgmField[] {
  const idOf = (link: number): number => {
    if (link < 6) return low + link;
    if (link < 12) return middle + link - 6;
    return link < 15 ? low + link - 6 : high + link - 15;
  };
  const links = LINKS.map((link) =>
    countField(
      idOf(link),
      `NVLINK_${word}_ERROR_COUNT_L${link} NVLINK_${word}_ERROR_L${link}_TOTAL`,
      errors(kind, String(link)),
    ),
  );
  const total = `NVLINK_${word}_ERROR_COUNT_TOTAL NVLINK_${word}_ERROR_TOTAL`;
  return [
    ...links,
    countField(low + 9, total, errors(kind, ALL)),
    countField(
      perLink,
      `NVLINK_${word}_ERROR_PER_LINK_TOTAL`,
      ofLink((link) => errors(kind, link)),
    ),
  ];
}

function rateFields(link: number): readonly DcgmField[] {
  const name = String(link);
  return [
    levelField(1040 + 2 * link, `DCGM_FI_PROF_NVLINK_L${link}_TX_BYTES`, sent(name), byte),
    levelField(1041 + 2 * link, `DCGM_FI_PROF_NVLINK_L${link}_RX_BYTES`, received(name), byte),
    levelField(825 + link, `NVLINK_TX_BANDWIDTH_L${link} NVLINK_TX_THROUGHPUT_L${link}`, sent(name), megabyte, 2),
    levelField(879 + link, `NVLINK_RX_BANDWIDTH_L${link} NVLINK_RX_THROUGHPUT_L${link}`, received(name), megabyte, 2),
  ];
}

function errors(kind: ErrorKind['kind'] | 'ecc', link: string) {
  return columnOf('gpu_nvlink_errors_total', { kind, link });
}

/** A row that does not say its link says nothing. */
function ofLink<C extends GpuColumn>(columnFor: (link: string) => C): (place: DcgmPlace) => C | undefined {
  return ({ link }) => (link === '' ? undefined : columnFor(link));
}

function ofLinkOrAll<C extends GpuColumn>(columnFor: (link: string) => C): (place: DcgmPlace) => C {
  return ({ link }) => columnFor(link === '' ? ALL : link);
}
